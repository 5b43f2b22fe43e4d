"""Which worker runs which files of tests, and in what order.

To load a whole city and to start the platform takes longer than most files of tests do. So what
needs a city's records goes to one worker, what needs the bare platform to the other, and each is
made once. All other files are for whoever is free, the longest first: none is begun last that the
other worker then has to wait for.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

# The platform with all of Seoul's records, then the records alone.
WHOLE = ("tests/browser/", "tests/notebooks/test_notebooks", "tests/cities/test_seoul")
WHOLE += ("tests/lake/test_seoul_records",)
BARE = ("tests/hub/", "tests/serving/")
LONGEST = (
    "tests/lake/test_storage",
    "tests/lake/test_crash",
    "tests/lake/test_account",
    "tests/lake/test_changes",
    "tests/lake/test_laws",
)


class ByWhatIsNeeded(LoadFileScheduling):
    """Files by worker: an even one begins with `WHOLE`, an odd one with `BARE`."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        odd = int(node.gateway.id.removeprefix("gw")) % 2
        mine, others = (BARE, WHOLE) if odd else (WHOLE, BARE)
        self.workqueue.move_to_end(
            min(self.workqueue, key=lambda file: _turn(file, mine, others)), last=False
        )
        super()._assign_work_unit(node)


def _turn(file: str, mine: tuple[str, ...], others: tuple[str, ...]) -> tuple[int, int]:
    """The lower, the sooner; files of the same turn stay in their order."""
    for turn, starts in enumerate((mine, LONGEST, (), others)):
        for place, start in enumerate(starts):
            if file.startswith(start):
                return turn, place
    return 2, 0
