# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests, the incidents and the benchmarks share: start the real programs, talk to
them over sockets, and look at them through /proc. Standard library only."""
