# SPDX-License-Identifier: Apache-2.0
"""Changes are in effect soon. The figures are printed for people; only that they arrive is asserted."""
from harness import soon
from harness.evergate import Case
from harness.programs import SHORT


class HowSoon(Case):
    def measure(self, source):
        stack = self.evergate(source=source).start()
        ports = soon.prepare(stack)
        changes = soon.endpoint_changes(stack, ports, 20 if SHORT else 300)
        self.figure(f"{source}, endpoint: {soon.summary(changes)}")
        hosts = soon.new_hosts(stack, 5 if SHORT else 30)
        self.figure(f"{source}, new host: {soon.summary(hosts)}")

    def test_directory(self):
        self.measure("directory")

    def test_kubernetes(self):
        self.measure("kubernetes")
