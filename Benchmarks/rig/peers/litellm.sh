#!/bin/bash
# LiteLLM proxy, one worker, no database, no key check, logging off. litellm.sh PORT UPSTREAM_PORT
D=${PEER_DIR:-$(mktemp -d -t litellm.XXXX)}
cat > $D/c.yaml <<C
model_list:
- model_name: mock-model
  litellm_params: { model: openai/mock-model, api_base: "http://127.0.0.1:$2/v1", api_key: sk-test }
litellm_settings: { telemetry: false, num_retries: 0, request_timeout: 300, set_verbose: false, drop_params: true }
general_settings: { disable_spend_logs: true, disable_error_logs: true }
C
export LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY=true LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_LOG=ERROR LITELLM_TELEMETRY=False LITELLM_MODE=PRODUCTION NO_PROXY='*' HF_HUB_OFFLINE=1 DISABLE_ADMIN_UI=True NO_DOCS=True
cd $D; exec ${BENCH:-.bench}/venv-litellm/bin/litellm --config $D/c.yaml --host 127.0.0.1 --port $1 --num_workers 1
