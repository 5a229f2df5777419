"""Puts this folder on the import path, where support.py is. SPDX-License-Identifier: Apache-2.0"""
