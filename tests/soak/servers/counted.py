# SPDX-License-Identifier: Apache-2.0
"""An application for uwsgi: what opentelemetry's thread has exported goes into a file for each process."""

import os
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    PeriodicExportingMetricReader,
)

FOLDER = Path(os.environ["EXPORTED"])


class Files(MetricExporter):
    def export(self, metrics_data, timeout_millis=0, **kwargs):
        if "by a worker" in metrics_data.to_json():
            (FOLDER / str(os.getpid())).touch()
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis=0):
        return True

    def shutdown(self, timeout_millis=0, **kwargs):
        pass


def made():
    reader = PeriodicExportingMetricReader(Files(), export_interval_millis=200)
    return MeterProvider([reader]).get_meter("requests").create_counter("requests")


requests = made()
if os.environ.get("POSTFORK"):
    import uwsgidecorators

    @uwsgidecorators.postfork
    def anew():
        global requests
        requests = made()


def application(environ, start_response):
    requests.add(1, {"who": "by a worker"})
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
