"""Why a command failed: one sentence for people, one exit status for scripts."""


class ClientError(Exception):
    """Base of what a command raises; `str()` is the sentence, `exit_status` what the process ends with."""

    exit_status = 1


class Refused(ClientError):
    """The API said no, or what was waited for failed."""


class UsageError(ClientError):
    """The command line, or a file it names, is not usable."""

    exit_status = 2


class NotAuthenticated(ClientError):
    """There is no token, or it is not accepted."""

    exit_status = 3


class TimedOut(ClientError):
    """What was waited for did not happen in time; it may still."""

    exit_status = 4


class Unavailable(ClientError):
    """The API, or something it depends on, does not answer."""

    exit_status = 5


class NoStack(ClientError):
    """No stack of this machine runs in the folder that was named."""
