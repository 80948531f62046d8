/// What `sluice init` writes.
enum StarterPolicy {
    static let text = """
        # yaml-language-server: $schema=./sluice.schema.json
        version: 1
        timezone: Europe/Berlin          # of windows and budgets

        # Where work can be sent. Keys come from the environment and never stand here.
        backends:
          openai:
            url: https://api.openai.com/v1
            key: ${OPENAI_API_KEY}
            price: { input: 2.50, cached: 1.25, output: 10.00, as_of: 2026-11-12 }     # USD per 1M tokens; leave it out to use the price book
          vllm:
            api: vllm
            url: http://127.0.0.1:8000/v1
            price: { input: 0.20, cached: 0.05, output: 0.60 }                         # what an hour of your own server costs, per token

        # The names that clients ask for, and each backend's own name for the model.
        models:
          chat: { openai: gpt-4o, vllm: llama-3.3-70b }

        windows:
          night: { hours: 22:00-06:00 }

        # How patient requests are. `now` holds the connection; `later` waits for the window, at most until the deadline.
        classes:
          realtime: { serve: now, use: [openai] }
          batch:
            serve: later
            use: [vllm, openai]
            during: night
            deadline: 24h
            promote: { before_deadline: 2h, to: openai }

        # The first that matches wins.
        routes:
          - name: agreed to wait                      # /v1/batches, Prefer: respond-async, service_tier: flex
            match: { async: true }
            class: batch
          - name: everything else
            class: realtime

        # What savings are measured against.
        baseline: { backend: openai, model: requested, serve: now }

        tests:
          - name: chat is answered at once
            request: { model: chat, stream: true }
            expect: { class: realtime, serve: now }
          - name: a patient request waits for the night
            at: 2026-11-23T15:30:00+01:00
            request: { model: chat, async: true }
            expect: { class: batch, not_before: 2026-11-23T22:00:00+01:00 }

        """
}
