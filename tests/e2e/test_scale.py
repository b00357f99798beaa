# SPDX-License-Identifier: Apache-2.0
"""5,000 Services with 50,000 endpoints. Figures are printed; tests/bench/scale.py has more of them."""
import unittest

from harness import many, soon
from harness.evergate import Case
from harness.programs import SHORT, binaries

SERVICES = 5000


@unittest.skipIf(SHORT, "too large for a short run")
class Scale(Case):
    def test_many_services(self):
        stack = self.evergate(source="kubernetes", dataplane_flags=[f"--histogram-metrics-limit={SERVICES}"])
        stack.start_source()
        many.fill(stack, SERVICES)
        seconds, controller, dataplane = many.first_sync(stack, SERVICES)
        self.figure(f"first sync {seconds:.2f} s; RSS controller {controller >> 20} MiB, "
                    f"data plane {dataplane >> 20} MiB")
        self.scrapes(stack, "without traffic")
        many.touch_all(stack, SERVICES)
        self.scrapes(stack, "all with traffic and histograms")
        ports = soon.prepare(stack)
        changes = soon.endpoint_changes(stack, ports, 100)
        self.figure(f"one endpoint change: {soon.summary(changes)}")
        cpu, _ = many.cpu_per_change(stack, ports, 100)
        self.figure(f"processor time per change: controller {cpu[0] * 1e3:.2f} ms, data plane {cpu[1] * 1e3:.3f} ms")
        self.assertTrue(many.answers(stack))

    def scrapes(self, stack, when):
        seconds, size = many.scrape_cost(stack)
        self.figure(f"a scrape, {when}: {seconds * 1e3:.0f} ms, {size >> 10} KiB")
        if "release" in str(binaries()):
            self.assertLess(seconds, 0.2)
