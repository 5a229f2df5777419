# SPDX-License-Identifier: Apache-2.0
"""Made from policy/*.def and common/version.h: `make words`."""

VERSION = "0.1.0"
OUTCOMES = {
    "waits": "the process waits on",
    "raised": "ForkPolicyError was raised at that line",
    "exited": "the process ended with status 70",
    "again": "the process ended with status 70: it waited again where ForkPolicyError was raised",
    "aborted": "the process ended by SIGABRT",
    "grace": "the process was to end, or to get an error, after grace_seconds",
}
