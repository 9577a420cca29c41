"""Turns are released evenly, by all workers together, and slow down when the registry refuses calls."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import psycopg
import pytest
from orcid_sync.errors import Unreachable
from orcid_sync.ledger.session import Ledger
from orcid_sync.orcid.limiter import LocalLimiter, PostgresLimiter, lane_rate, penalty

from tests.conftest import DatabaseFactory

CLIENT = "APP-0000000000000001"
OTHER = "APP-0000000000000002"


class SteppingClock:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def local(clock: SteppingClock) -> LocalLimiter:
    return LocalLimiter(20, clock, clock.sleep)


def released(limiter: LocalLimiter, clock: SteppingClock, count: int, client_id: str = CLIENT) -> list[float]:
    moments = []
    for _ in range(count):
        limiter.acquire(client_id)
        moments.append(round(clock.now - 1000, 6))
    return moments


def test_turns_are_released_evenly(local: LocalLimiter, clock: SteppingClock) -> None:
    assert released(local, clock, 5) == [0, 0.05, 0.1, 0.15, 0.2]


def test_a_pause_is_not_saved_up_for_a_burst(local: LocalLimiter, clock: SteppingClock) -> None:
    released(local, clock, 1)
    clock.now = 1060.0
    assert released(local, clock, 3) == [60, 60.05, 60.1]


def test_a_late_caller_goes_at_once(local: LocalLimiter, clock: SteppingClock) -> None:
    released(local, clock, 1)
    clock.now += 0.08
    assert released(local, clock, 2) == [0.08, 0.13]


def test_each_client_has_its_own_turns(local: LocalLimiter, clock: SteppingClock) -> None:
    assert released(local, clock, 2) == [0, 0.05]
    assert released(local, clock, 1, OTHER) == [0.05]


def test_the_interactive_lane_does_not_wait_behind_the_batch(
    local: LocalLimiter, clock: SteppingClock
) -> None:
    released(local, clock, 10)
    before = clock.now
    local.acquire(CLIENT, "interactive")
    assert clock.now == before


@pytest.mark.parametrize(("rate", "left"), [(23, 1), (20, 4), (24, 0.5)])
def test_both_lanes_together_stay_within_the_registrys_rate(rate: float, left: float) -> None:
    assert lane_rate(rate, "batch") == rate
    assert lane_rate(rate, "interactive") == left


def test_a_refusal_stops_everything_for_its_time_and_starts_slowly(
    local: LocalLimiter, clock: SteppingClock
) -> None:
    released(local, clock, 1)
    local.penalize(CLIENT, 5)
    moments = released(local, clock, 60)
    assert moments[0] == 5
    gaps = [round(late - early, 6) for early, late in itertools.pairwise(moments)]
    assert gaps[0] == 0.1
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] == 0.05


def test_a_storm_of_refusals_halves_the_rate_once_and_a_new_one_again(
    local: LocalLimiter, clock: SteppingClock
) -> None:
    for _ in range(8):
        local.penalize(CLIENT, 2)
    moments = released(local, clock, 2)
    assert [moments[0], round(moments[1] - moments[0], 6)] == [2, 0.1]
    local.penalize(CLIENT, 2)
    again = released(local, clock, 2)
    assert 0.18 < again[1] - again[0] <= 0.2


def test_the_rate_never_falls_to_nothing(local: LocalLimiter, clock: SteppingClock) -> None:
    for _ in range(20):
        local.penalize(CLIENT, 1)
        clock.sleep(2)
    moments = released(local, clock, 2)
    assert moments[1] - moments[0] <= 1


def test_a_refusal_without_a_time_stops_for_a_moment() -> None:
    assert all(1 <= penalty(None) <= 3 for _ in range(50))
    assert penalty(0) == 0


def test_threads_never_share_a_turn() -> None:
    waits: list[float] = []
    limiter = LocalLimiter(20, lambda: 1000.0, waits.append)
    threads = [
        threading.Thread(target=lambda: [limiter.acquire(CLIENT) for _ in range(25)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(round(wait, 6) for wait in waits) == [round(n / 20, 6) for n in range(1, 200)]


# Across processes, on the database's clock


@pytest.fixture
def ledger(database: DatabaseFactory) -> Iterator[Ledger]:
    dsn = database()
    with psycopg.connect(dsn, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'CREATE ROLE "{name}_app" NOLOGIN')
        connection.execute("CREATE SCHEMA ledger")
        connection.execute(
            "CREATE TABLE ledger.api_rate (client_id text PRIMARY KEY, next_at timestamptz NOT NULL, "
            "rate double precision, penalty_until timestamptz)"
        )
        connection.execute(f'GRANT USAGE ON SCHEMA ledger TO "{name}_app"')
        connection.execute(f'GRANT SELECT, INSERT, UPDATE ON ledger.api_rate TO "{name}_app"')
    yield Ledger(lambda: psycopg.connect(dsn))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f'DROP OWNED BY "{name}_app"')
        connection.execute(f'DROP ROLE "{name}_app"')


@pytest.mark.slow
def test_workers_that_share_a_database_share_the_turns(ledger: Ledger) -> None:
    waits: list[float] = []
    workers = [PostgresLimiter(ledger, 2, waits.append) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda worker=worker: [worker.acquire(CLIENT) for _ in range(25)])
        for worker in workers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with ledger.connection() as connection:
        ahead = connection.execute(
            "SELECT extract(epoch FROM next_at - clock_timestamp())::float8 AS seconds FROM api_rate"
        ).fetchone()
    for worker in workers:
        worker.close()
    # 100 turns of half a second were handed out, each once: the last wait is as long as all before it.
    assert ahead is not None
    assert 99 / 2 - 5 < max(waits) < 99 / 2 + 0.01
    assert 100 / 2 - 5 < ahead.seconds < 100 / 2 + 0.01
    assert len(waits) >= 99


@pytest.mark.slow
def test_a_refusal_is_known_to_every_worker(ledger: Ledger) -> None:
    waits: list[float] = []
    first = PostgresLimiter(ledger, 23, waits.append)
    second = PostgresLimiter(ledger, 23, waits.append)
    first.acquire(CLIENT)
    first.penalize(CLIENT, 30)
    second.penalize(CLIENT, 20)
    for _ in range(3):
        second.acquire(CLIENT)
    second.acquire(OTHER)
    second.acquire(CLIENT, "interactive")
    first.close()
    second.close()
    batch, interactive = waits[:3], waits[3:]
    assert 25 < batch[0] <= 30
    # Half the rate, growing by a twentieth with each call; the three statements themselves take time as well.
    assert batch[0] < batch[1] <= batch[0] + 2 / 23 + 0.001
    assert batch[1] < batch[2] <= batch[1] + 2 / 23 + 0.001
    assert len(interactive) == 1
    assert 25 < interactive[0] <= 30
    with ledger.connection() as connection:
        rates = connection.execute("SELECT rate FROM api_rate WHERE client_id = %s", (CLIENT,)).fetchall()
    assert rates[0].rate == pytest.approx(11.5 * 1.05**3)


def test_a_turn_that_was_handed_out_before_a_refusal_is_void(clock: SteppingClock) -> None:
    refused: list[float] = []

    def refused_meanwhile(seconds: float) -> None:
        clock.sleep(seconds)
        if not refused:
            refused.append(clock.now)
            limiter.penalize(CLIENT, 5)

    limiter = LocalLimiter(20, clock, refused_meanwhile)
    limiter.acquire(CLIENT)
    limiter.acquire(CLIENT)
    assert clock.now == pytest.approx(refused[0] + 5)


@pytest.mark.slow
def test_a_turn_of_another_worker_that_was_handed_out_before_a_refusal_is_void(ledger: Ledger) -> None:
    waits: list[float] = []
    other = PostgresLimiter(ledger, 0.01, lambda _: None)

    def refused_meanwhile(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            other.penalize(CLIENT, 3000)

    limiter = PostgresLimiter(ledger, 0.01, refused_meanwhile)
    limiter.acquire(CLIENT)
    limiter.acquire(CLIENT)
    limiter.close()
    other.close()
    first, second = waits
    assert first <= 100
    assert second > 1000


@pytest.mark.slow
def test_the_rate_grows_back_to_full(ledger: Ledger) -> None:
    limiter = PostgresLimiter(ledger, 23, lambda _: None)
    limiter.penalize(CLIENT, 0)
    for _ in range(20):
        limiter.acquire(CLIENT)
    limiter.close()
    with ledger.connection() as connection:
        row = connection.execute("SELECT rate FROM api_rate WHERE client_id = %s", (CLIENT,)).fetchone()
    assert row is not None
    assert row.rate is None


@pytest.mark.slow
def test_a_lost_connection_is_opened_again(ledger: Ledger) -> None:
    limiter = PostgresLimiter(ledger, 23, lambda _: None)
    limiter.acquire(CLIENT)
    with ledger.connect() as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    limiter.acquire(CLIENT)
    limiter.close()
    limiter.acquire(CLIENT)
    limiter.close()


def test_a_ledger_that_can_not_be_reached_is_a_reason_to_try_later() -> None:
    limiter = PostgresLimiter("postgresql://user:s3cret@127.0.0.1:1/none?connect_timeout=2", 23)
    with pytest.raises(Unreachable, match="ledger") as caught:
        limiter.acquire(CLIENT)
    assert not caught.value.doubt
    assert "s3cret" not in repr(caught.value) + repr(limiter)
