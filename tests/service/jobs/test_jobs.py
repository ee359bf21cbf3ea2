"""The table of jobs: whose they are, who is next, limits, progress, dismissing, expiry."""

import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline.storage.ledger import REPORT
from service.core.catalogue import Collection
from service.core.database import Database
from service.core.exports import FOLDER, cached_export
from service.core.faults import Owner
from service.core.keys import Client
from service.core.problem import Problem
from service.core.settings import Settings
from service.jobs.claims import MOST_DEATHS, MOST_RESTARTS
from service.jobs.expiry import DAY_S, clear, sweep
from service.jobs.job import Job, Status
from service.jobs.table import MOST_VISITORS, Jobs
from service.jobs.track import ProgressTracker
from service.jobs.work import _finish
from service.processes.job_request import JobRequest

ANNA, BERT = Client("anna", "key"), Client("bert", "key")


def visitor(number: int = 0) -> Client:
    return Client(f"visitor-{number}", "visitor")


def order(key: str = "k", area_m2: float = 1e6, process: str = "suitability") -> JobRequest:
    return JobRequest(process, {}, key, area_m2)


def table(state: Path, **settings: Any) -> Jobs:
    asked = Settings(state=state, **{"jobs_a_client": 100} | settings)
    return Jobs(Database(state / "service.sqlite"), asked)


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return table(tmp_path)


def begun(jobs: Jobs, key: str = "k", client: Client = ANNA, worker: str = "w") -> Job:
    """A job that a worker has claimed, whose folder it has made."""
    jobs.submit(order(key), client)
    job = jobs.claim(worker)
    assert job is not None
    jobs.folder(job).mkdir(parents=True, exist_ok=True)
    return job


def done(jobs: Jobs, key: str = "k", client: Client = ANNA, size: int = 0) -> Job:
    """One that was successful."""
    job = begun(jobs, key, client)
    (jobs.folder(job) / REPORT).write_text("{}")
    jobs.finish(job.id, Status.SUCCESSFUL, "done", size)
    return again(jobs, job)


def again(jobs: Jobs, job: Job) -> Job:
    found = jobs.find(job.id, job.client)
    assert found is not None
    return found


def refused(jobs: Jobs, asked: JobRequest, client: Client) -> Problem:
    with pytest.raises(Problem) as told:
        jobs.submit(asked, client)
    return told.value


def test_a_job_from_first_to_last(jobs: Jobs) -> None:
    sent = jobs.submit(order(), ANNA, callback='{"base": ""}')
    assert (sent.status, sent.progress, sent.started) == (Status.ACCEPTED, 0, None)
    running = jobs.claim("w")
    assert running is not None and running.id == sent.id
    assert running.status is Status.RUNNING and running.started
    jobs.progress(sent.id, 3, 12, 8.5, "shade: 3 of 12")
    now = again(jobs, sent)
    assert (now.progress, now.blocks_done, now.blocks_planned, now.seconds_left) == (25, 3, 12, 8.5)
    jobs.finish(sent.id, Status.SUCCESSFUL, "done", 5)
    ended = again(jobs, sent)
    assert (ended.progress, ended.blocks_done, ended.seconds_left) == (100, 12, None)
    assert ended.finished and ended.finished >= running.started
    assert jobs.counts() == {s: int(s == "successful") for s in Status}


def test_each_client_has_its_own(jobs: Jobs) -> None:
    job = jobs.submit(order(), ANNA)
    assert jobs.find(job.id, "bert") is None
    assert jobs.dismiss(job.id, "bert") is None
    assert jobs.list("bert") == []
    assert [each.id for each in jobs.list("anna")] == [job.id]


def test_a_finished_request_is_successful_at_once(jobs: Jobs) -> None:
    first = done(jobs, size=7)
    second = jobs.submit(order(), BERT)
    assert second.status is Status.SUCCESSFUL and second.id != first.id
    assert jobs.folder(second) == jobs.folder(first)
    assert jobs.claim("w") is None


def test_a_full_disk_loses_no_end(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a job ended in is written down when there is room again."""
    job, finish, tries = jobs.submit(order(), ANNA), jobs.finish, []

    def full(*given: Any) -> None:
        tries.append(given)
        if len(tries) < 3:
            raise sqlite3.OperationalError("database or disk is full")
        finish(*given)

    jobs.claim("w")
    monkeypatch.setattr(jobs, "finish", full)
    _finish(jobs, job, Status.FAILED, "no room", 0, pause=0.0)
    assert len(tries) == 3
    assert (again(jobs, job).status, again(jobs, job).message) == (Status.FAILED, "no room")


def test_two_workers_never_take_one_key(jobs: Jobs) -> None:
    """The second waits, and has the result of the first."""
    begun(jobs, "same")
    second, other = jobs.submit(order("same"), BERT), jobs.submit(order("other"), BERT)
    taken = jobs.claim("v")
    assert taken is not None and taken.id == other.id
    assert jobs.claim("u") is None
    (jobs.folder(second) / REPORT).write_text("{}")
    jobs.finish(jobs.list("anna")[0].id, Status.SUCCESSFUL, "done")
    assert again(jobs, second).status is Status.SUCCESSFUL


def test_the_second_is_tried_if_the_first_failed(jobs: Jobs) -> None:
    first = begun(jobs, "same")
    second = jobs.submit(order("same"), BERT)
    jobs.finish(first.id, Status.FAILED, "no")
    taken = jobs.claim("w")
    assert taken is not None and taken.id == second.id


def test_a_client_with_many_does_not_starve_another(jobs: Jobs) -> None:
    """Anna floods the queue; those that come later with few wait for one job of hers at most."""
    for n in range(30):
        jobs.submit(order(f"a{n}"), ANNA)
    served = []
    for turn in range(12):
        if turn == 4:
            for n in range(3):
                jobs.submit(order(f"b{n}"), BERT)
                jobs.submit(order(f"c{n}"), Client("carl", "key"))
        job = jobs.claim("w")
        assert job is not None
        jobs.finish(job.id, Status.FAILED, "")
        served.append(job.client)
    assert served[:4] == ["anna"] * 4
    assert Counter(served[4:]) == {"anna": 2, "bert": 3, "carl": 3}
    assert all(set(served[i : i + 3]) >= {"bert", "carl"} for i in (4, 7))


def test_all_visitors_have_one_share(jobs: Jobs) -> None:
    """A new cookie costs nothing, so it gives no new place."""
    for n in range(6):
        jobs.submit(order(f"v{n}"), visitor(n))
    for n in range(3):
        jobs.submit(order(f"a{n}"), ANNA)
    claimed = [jobs.claim(f"w{n}") for n in range(6)]
    kinds = [job and job.visitor for job in claimed]
    assert kinds == [True, False, True, False, True, False]


def test_limits_tell_what_to_do(tmp_path: Path) -> None:
    jobs = table(tmp_path, jobs_a_client=2, area_km2=2, visitor_area_km2=1, storage_gb=1e-6)
    assert refused(jobs, order(area_m2=2.1e6), ANNA).status == 413
    too_large = refused(jobs, order(area_m2=1.1e6), visitor())
    assert too_large.status == 413 and "with a key" in too_large.detail
    jobs.submit(order("1", 2e6), ANNA)
    jobs.submit(order("2"), ANNA)
    many = refused(jobs, order("3"), ANNA)
    assert (many.status, many.headers["Retry-After"]) == (429, "30")
    assert "DELETE /jobs/" in many.detail
    jobs.submit(order("3"), BERT)
    jobs.submit(order("4"), visitor())
    assert refused(jobs, order("5"), visitor()).status == 429


def test_storage_is_limited_by_what_is_kept(tmp_path: Path) -> None:
    jobs = table(tmp_path, storage_gb=1e-6)
    full = done(jobs, "full", size=1000)
    kept = refused(jobs, order("more"), ANNA)
    assert kept.status == 413 and "DELETE /jobs/" in kept.detail
    assert jobs.submit(order("full"), ANNA).status is Status.SUCCESSFUL  # it takes no more
    assert jobs.submit(order("more"), BERT)
    for job in jobs.list("anna"):
        jobs.dismiss(job.id, "anna")
    assert not jobs.folder(full).exists()
    assert jobs.submit(order("more"), ANNA)


def test_visitors_together_cannot_fill_the_disk(tmp_path: Path) -> None:
    """A new cookie is a new visitor, with nothing kept."""
    jobs = table(tmp_path, visitors_storage_gb=1.5e-6, visitor_result_days=2)
    done(jobs, "1", visitor(1), size=1000)
    jobs.submit(order("1"), visitor(2))  # the same result takes no more
    done(jobs, "2", visitor(3), size=1000)
    full = refused(jobs, order("3"), visitor(4))
    assert full.status == 429 and "with a key" in full.detail
    assert 0.99 * 2 * DAY_S < int(full.headers["Retry-After"]) <= 2 * DAY_S
    assert jobs.submit(order("2"), visitor(5)).status is Status.SUCCESSFUL
    assert jobs.submit(order("3"), ANNA)
    jobs.database.execute("UPDATE jobs SET finished = finished - ?", 3 * DAY_S)
    sweep(jobs)
    assert jobs.submit(order("4"), visitor(4))


def test_visitors_together_cannot_fill_the_queue(jobs: Jobs) -> None:
    for n in range(MOST_VISITORS):
        jobs.submit(order(f"{n}"), visitor(n))
    assert refused(jobs, order("last"), visitor(-1)).status == 429
    assert jobs.submit(order("last"), ANNA)


def test_filters(jobs: Jobs) -> None:
    began = time.time()
    first, second = done(jobs, "1"), begun(jobs, "2")
    third = jobs.submit(order("3", process="what-if"), ANNA)

    def found(**filters: Any) -> list[str]:
        return [job.id for job in jobs.list("anna", **filters)]

    assert found() == [third.id, second.id, first.id]
    assert found(processes=["what-if"]) == [third.id]
    assert found(statuses=["running", "successful"]) == [second.id, first.id]
    assert found(created=(began, None)) == found(created=(None, time.time())) == found()
    assert found(created=(time.time() + 1, None)) == found(created=(None, began - 1)) == []
    assert found(seconds=(None, 60)) == [second.id, first.id]  # it has not begun
    assert found(seconds=(60, None)) == []
    assert found(limit=2) == [third.id, second.id]
    assert found(before=second.number) == [first.id]


def test_progress_never_goes_backwards(jobs: Jobs) -> None:
    job = begun(jobs)
    told = [(0, 0), (2, 4), (2, 8), (5, 8), (1, 8), (8, 8)]
    for (finished, planned), shown in zip(told, (0, 50, 50, 62, 62, 99), strict=True):
        jobs.progress(job.id, finished, planned, None, "")
        assert again(jobs, job).progress == shown


def test_taken_up_again_first(jobs: Jobs) -> None:
    jobs.submit(order("before"), BERT)
    jobs.dismiss(jobs.list("bert")[0].id, "bert")
    job = begun(jobs, "long")
    jobs.submit(order("other"), BERT)
    assert [each.id for each in jobs.requeue_all()] == [job.id]
    assert again(jobs, job).status is Status.ACCEPTED
    assert jobs.folder(job).exists()
    taken = jobs.claim("v")
    assert taken is not None and taken.id == job.id


def test_a_job_that_kills_its_workers_fails(jobs: Jobs) -> None:
    job = begun(jobs)
    for deaths in range(1, MOST_DEATHS + 1):
        assert again(jobs, job).status is Status.RUNNING
        jobs.worker_died("w")
        assert again(jobs, job).attempts == deaths
        jobs.claim("w")
    failed = again(jobs, job)
    assert failed.status is Status.FAILED and "smaller area" in failed.message
    assert failed.owner is Owner.SERVICE
    assert not jobs.folder(job).exists()


def test_a_job_that_ends_the_service_repeatedly_fails(jobs: Jobs) -> None:
    """But not if it gets further each time."""
    job = begun(jobs)
    for finished in range(2 * MOST_RESTARTS):
        jobs.progress(job.id, finished, 100, None, "")
        jobs.requeue_all()
        assert jobs.claim("w")
    for _ in range(MOST_RESTARTS):
        jobs.requeue_all()
        jobs.claim("w")
    assert again(jobs, job).status is Status.FAILED


def test_a_job_keeps_who_can_mend_its_fault(jobs: Jobs) -> None:
    job = begun(jobs)
    assert again(jobs, job).owner is None
    jobs.finish(job.id, Status.FAILED, "no", owner=Owner.OPERATOR)
    assert again(jobs, job).owner is Owner.OPERATOR
    known = jobs.find_without_inputs(job.id, "anna")
    assert known is not None and known.owner is Owner.OPERATOR


def test_a_table_of_before_there_were_owners_gets_the_column(tmp_path: Path) -> None:
    jobs = table(tmp_path)
    job = begun(jobs)
    jobs.finish(job.id, Status.FAILED, "no")
    jobs.database.execute("ALTER TABLE jobs DROP COLUMN owner")
    jobs = table(tmp_path)
    assert (again(jobs, job).message, again(jobs, job).owner) == ("no", None)
    other = begun(jobs, "other")
    jobs.finish(other.id, Status.FAILED, "no", owner=Owner.CLIENT)
    assert again(table(tmp_path), other).owner is Owner.CLIENT


def test_a_dismissed_job_keeps_its_folder_until_the_worker_lets_go(jobs: Jobs) -> None:
    job = begun(jobs)
    told = jobs.dismiss(job.id, "anna")
    assert told is not None and told.status is Status.DISMISSED
    assert jobs.is_dismissed(job.id)
    assert jobs.folder(job).exists()
    waits = jobs.submit(order(), BERT)
    assert jobs.claim("v") is None
    jobs.finish(job.id, Status.DISMISSED, "")
    assert jobs.folder(job).exists()  # the other takes it up
    jobs.dismiss(waits.id, "bert")
    assert not jobs.folder(job).exists()
    assert again(jobs, job).status is Status.DISMISSED
    assert jobs.dismiss(job.id, "anna") and jobs.find(job.id, "anna") is None


def test_a_dismissed_job_is_not_made_successful(jobs: Jobs) -> None:
    """The worker may have come to its end in the same moment."""
    job = begun(jobs)
    jobs.dismiss(job.id, "anna")
    (jobs.folder(job) / REPORT).write_text("{}")
    jobs.finish(job.id, Status.SUCCESSFUL, "done", 5)
    assert again(jobs, job).status is Status.DISMISSED
    assert not jobs.folder(job).exists()


def test_a_result_goes_with_the_last_job_that_has_it(jobs: Jobs) -> None:
    first, second = done(jobs), jobs.submit(order(), BERT)
    jobs.dismiss(first.id, "anna")
    assert jobs.find(first.id, "anna") is None
    assert jobs.is_finished("k")
    jobs.dismiss(second.id, "bert")
    assert not jobs.folder(second).exists()


def aged(jobs: Jobs, job: Job, days: float) -> None:
    """Let a job have finished so long ago."""
    jobs.database.execute(
        "UPDATE jobs SET finished = ? WHERE id = ?", time.time() - days * DAY_S, job.id
    )


def test_results_expire(tmp_path: Path) -> None:
    jobs = table(tmp_path, result_days=10, visitor_result_days=1)
    mine, shared, visited = done(jobs, "m"), done(jobs, "s"), done(jobs, "v", visitor())
    other = jobs.submit(order("s"), BERT)
    for job, days in ((mine, 9.9), (shared, 10.1), (visited, 1.1)):
        aged(jobs, job, days)
    assert sweep(jobs) == 2
    expired = [again(jobs, job).expired for job in (mine, shared, visited, other)]
    assert expired == [False, True, True, False]
    assert "expired" in again(jobs, visited).message
    assert [jobs.folder(job).exists() for job in (mine, shared, visited)] == [True, True, False]
    aged(jobs, visited, 2.1)
    aged(jobs, other, 10.1)
    assert sweep(jobs) == 1
    assert jobs.find(visited.id, visited.client) is None
    assert not jobs.folder(shared).exists()
    assert jobs.submit(order("s"), BERT).status is Status.ACCEPTED


def test_abandoned_folders_are_removed(jobs: Jobs) -> None:
    """And those of jobs that may still need theirs are not."""
    abandoned, half = jobs.folder_of("abandoned"), jobs.results / ".gone-half"
    for folder in (abandoned, half):
        folder.mkdir(parents=True)
    waiting, running = begun(jobs, "waiting"), begun(jobs, "running", worker="v")
    jobs.worker_died("w")
    assert sweep(jobs) == 0
    assert not abandoned.exists() and not half.exists()
    assert jobs.folder(waiting).exists() and jobs.folder(running).exists()


def test_a_worker_that_is_silent_or_holds_on(jobs: Jobs) -> None:
    job = begun(jobs)
    assert jobs.unresponsive(60) == jobs.overdue(-1) == set()
    jobs.database.execute("UPDATE jobs SET heartbeat_at = heartbeat_at - 100")
    assert jobs.unresponsive(60) == {"w"}
    jobs.heartbeat("w")
    assert jobs.unresponsive(60) == set()
    jobs.dismiss(job.id, "anna")
    assert jobs.overdue(60) == set()
    assert jobs.overdue(-1) == {"w"}


def test_a_request_is_read_only_where_it_is_needed(jobs: Jobs) -> None:
    """It may be megabytes; and is forgotten when nobody needs it any more."""
    sent = jobs.submit(JobRequest("suitability", {"area": "GM0363"}, "k", 1.0), ANNA)
    assert again(jobs, sent).request.inputs == {"area": "GM0363"}
    few = [
        jobs.find_without_inputs(sent.id, "anna"),
        jobs.many([sent.id])[sent.id],
        *jobs.list("anna"),
    ]
    assert [job and (job.request.inputs, job.request.key) for job in few] == [({}, "k")] * 3
    assert jobs.find_without_inputs(sent.id, "bert") is None
    jobs.dismiss(sent.id, "anna")
    row = jobs.database.row("SELECT asked FROM jobs")
    assert row and row["asked"] == ""


def test_track_counts_both_passes_and_what_was_kept() -> None:
    track, shown = ProgressTracker(), []

    def tell(stage: str, finished: int, total: int) -> None:
        track(stage, finished, total)
        told = track.progress()
        shown.append((told.done, told.planned))

    track.log({"stage": "start", "passes": ["measure", "shade"]})
    tell("survey", 1, 2)
    assert (track.message, track.progress().left) == ("survey: 1 of 2", None)
    track.log({"stage": "measure", "shard": "a", "outcome": "kept"})
    for finished in range(4):
        tell("measure", finished, 3)
    for finished in range(3):
        tell("shade", finished, 2)
    tell("table", 0, 2)
    assert shown == [(0, 0), (1, 8), (2, 8), (3, 8), (4, 8), (4, 6), (5, 6), (6, 6), (6, 6)]
    assert track.progress().left == 0


def test_time_left_is_of_what_was_computed_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier attempt finished took no time."""
    now = 100.0
    monkeypatch.setattr("service.jobs.track.time.monotonic", lambda: now)
    track = ProgressTracker()
    track.log({"stage": "start", "passes": ["measure", "shade"]})
    for shard in range(10):
        track.log({"stage": "measure", "shard": f"{shard}", "outcome": "kept"})
    track("measure", 0, 10)
    assert track.progress().left is None
    now = 108.0
    track("measure", 4, 10)
    assert (track.progress().done, track.progress().planned) == (14, 40)
    assert track.progress().left == 52.0  # 26 blocks of 2 s each


def test_a_full_disk_takes_no_job_but_gives_what_is_there(tmp_path: Path) -> None:
    jobs = table(tmp_path, room_gb=1e9)
    with pytest.raises(Problem, match="no room") as raised:
        jobs.submit(order(), ANNA)
    assert raised.value.status == 507
    folder = jobs.folder_of("k")
    folder.mkdir(parents=True)
    (folder / REPORT).write_text("{}")
    assert jobs.submit(order(), ANNA).status is Status.SUCCESSFUL


def test_exports_of_a_result_are_removed_with_it(jobs: Jobs) -> None:
    job, state = done(jobs), jobs.settings.state
    collection = Collection(job.id, jobs.folder(job), "anna")
    cached_export(state, collection, "buildings.csv", lambda file: file.write_text("row"))
    kept = cached_export(
        state, Collection("x", jobs.folder(done(jobs, "x")), "anna"), "b.csv", Path.touch
    )
    jobs.dismiss(job.id, "anna")
    clear(jobs)
    assert [path.name for path in jobs.results.iterdir()] == ["x"]
    assert list((state / FOLDER).iterdir()) == [kept.parent]
