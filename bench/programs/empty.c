/* A preload that does nothing: what any preload costs. SPDX-License-Identifier: Apache-2.0 */
int forkpolicy_bench_empty;
