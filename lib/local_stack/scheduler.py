"""The schedules of Cloud Scheduler on one machine: a POST to a function every so many seconds."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from local_stack.callers import SCHEDULER_ACCOUNT
from local_stack.tasks import TokenMaker

logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 180.0


@dataclass(frozen=True)
class Schedule:
    """A job: an empty POST to `url` every `period` seconds, first after one period."""

    name: str
    period: float
    url: str


async def run_schedules(session: aiohttp.ClientSession, schedules: Sequence[Schedule], make_token: TokenMaker) -> None:
    """Run every schedule until cancelled."""
    async with asyncio.TaskGroup() as group:
        for schedule in schedules:
            group.create_task(_run(session, schedule, make_token), name=f"schedule {schedule.name}")


async def _run(session: aiohttp.ClientSession, schedule: Schedule, make_token: TokenMaker) -> None:
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        # A call that outlasts its period skips the ticks it covered: calls of one job never overlap.
        due = max(due + schedule.period, loop.time())
        await asyncio.sleep(due - loop.time())
        await _call(session, schedule, make_token)


async def _call(session: aiohttp.ClientSession, schedule: Schedule, make_token: TokenMaker) -> None:
    headers = {
        "Authorization": f"Bearer {make_token(SCHEDULER_ACCOUNT, schedule.url)}",
        "User-Agent": "Google-Cloud-Scheduler",
        "X-CloudScheduler": "true",
        "X-CloudScheduler-JobName": schedule.name,
    }
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
    name, period = schedule.name, schedule.period
    try:
        async with session.post(schedule.url, headers=headers, timeout=timeout) as response:
            await response.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        # As with Cloud Scheduler without retries: the next tick is the next try.
        logger.warning(
            "job %s could not reach its function (%s); next try in %g s", schedule.name, error, schedule.period
        )
        return
    if response.status >= 300:
        logger.warning("job %s got HTTP %d; next try in %g s", name, response.status, period)
