"""Why a start ends early, and the exit code that says so to the cluster."""


class StartError(Exception):
    """A provider could not be started; the message is one sentence for the provider's author."""

    exit_code = 1


class SettingsError(StartError):
    """The environment is missing a setting or holds a malformed one (EX_CONFIG)."""

    exit_code = 78


class PermanentError(StartError):
    """Another try would end the same way, so the control plane is told that this version failed."""


class TemporaryError(StartError):
    """A restart may well succeed: a network or a server was unavailable (EX_TEMPFAIL)."""

    exit_code = 75
