"""How long a row may wait, and a request take: the settings have it without the state machine that goes by it."""

from datetime import timedelta

from provider_hub.domain.dataclass import dataclass

# No request takes longer: it is the most that Terraform takes as a function's timeout.
LONGEST_REQUEST = timedelta(seconds=540)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a state may last: PENDING at most `queue`; PROCESSING and DELETING at most `deploy`.

    `check_in_writes` is the least time between two writes for check-ins of one pod that carry nothing new. A pod that
    did not check in for `silence` no longer counts. `silence_shards` is over how many ranges of an index the rows are
    spread that may be silent (`installation.silence`).
    """

    queue: timedelta
    deploy: timedelta
    check_in_writes: timedelta
    silence: timedelta
    silence_shards: int = 1
