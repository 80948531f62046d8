"""Serves a model with llama.cpp's own HTTP server, which is inside the PyPI wheel `xllamacpp`: serve.py MODEL.gguf PORT [--alias NAME].

Runs until SIGTERM; prints one line of JSON once it is ready.
"""
import argparse
import json
import os
import signal
import threading

import xllamacpp


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("port", type=int)
    parser.add_argument("--alias", default="tiny")
    parser.add_argument("--slots", type=int, default=4, help="answers at a time; more wait in a queue without end")
    options = parser.parse_args()
    settings = xllamacpp.CommonParams()
    settings.model.path = options.model
    settings.port = options.port
    settings.n_ctx, settings.n_parallel = 4096, options.slots
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.model_alias = options.alias if isinstance(settings.model_alias, str) else {options.alias}
    settings.ui, settings.offline, settings.cont_batching, settings.endpoint_metrics = False, True, True, True
    settings.n_threads_http = 64
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    server = xllamacpp.Server(settings)
    print(json.dumps({"url": server.listening_address}), flush=True)
    stop.wait()
    os._exit(0)


if __name__ == "__main__":
    main()
