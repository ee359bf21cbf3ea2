"""An order carried out, by whoever works at it: the one call below the table of jobs."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from pipeline.engine.engine import Progress, Stop, never_stop, no_progress
from pipeline.engine.events import Log, no_log
from pipeline.storage.integrity import is_whole
from pipeline.storage.ledger import REPORT, Ledger
from service.core.catalogue import Collection, Sources
from service.core.settings import Settings
from service.processes import suitability, whatif
from service.processes.errand import Errand, Means
from service.processes.order import Order

CARRIED_OUT: Mapping[str, Callable[[Errand], None]] = {
    suitability.ID: suitability.carry_out_suitability,
    whatif.ID: whatif.carry_out_what_if,
}


def carry_out(
    order: Order,
    sources: Sources,
    public: Mapping[str, Collection],
    settings: Settings,
    folder: Path,
    progress: Progress = no_progress,
    stop: Stop = never_stop,
    log: Log = no_log,
) -> None:
    """Leave the result of an order in a folder: a finished run, whose report comes last.

    Killed at any moment, the same call goes on where it was; called again after it is done, it only
    tidies up. Raises Stopped when the flag is up, InputError for what the inputs turn out to be.
    """
    if is_whole(folder):
        Ledger(folder).discard()  # of which a kill may have left a part
        return
    if (folder / REPORT).is_file():  # damaged
        shutil.rmtree(folder)
    means = Means(settings, sources, public)
    CARRIED_OUT[order.process](Errand(order, means, folder, progress, stop, log))
