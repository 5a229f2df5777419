# SPDX-License-Identifier: Apache-2.0
"""Tasks for celery: a library of the parent's, which it made when this module was imported."""

import ctypes
import os

from celery import Celery

folder = os.environ["QUEUES"]
app = Celery("tasks", broker="filesystem://", backend=f"file://{folder}")
app.conf.broker_transport_options = {
    "data_folder_in": folder,
    "data_folder_out": folder,
    "control_folder": folder,
}
library = ctypes.CDLL(os.environ["FOREIGN_LIBRARY"])
library.foreign_hold()


@app.task
def healthy():
    return os.getpid()


@app.task
def hangs():
    library.foreign_ask()
