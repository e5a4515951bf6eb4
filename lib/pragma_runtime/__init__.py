"""The runtime of a provider: installs its wheel, imports it, and tells the control plane how it fares.

It is the process in a provider's pod, `python -m pragma_runtime.entrypoint`, and stands on the
standard library alone (with `pip` as a child process), so that nothing of ours can conflict with a
provider's own dependencies.

A provider runs in one of two ways. One that declares itself to the Pragmatiks SDK, by an entry point of the group
`pragma.provider`, is served where the SDK that was installed with it has a worker (15 and later): the runtime starts
`python -m pragma_sdk.worker`, is ready with its handshake, and starts it again when it dies.

Any other provider is a package that is imported. Where its module has one of these functions, plain or `async def`, the
runtime calls it:

`start()`
    Once, after the import, in the main thread; what it leaves running (threads, or tasks where it is
    `async`) is the provider's work. It has to return. Raising stops the start for good.
`health() -> str | None`
    Every `PRAGMA_HEALTH_SECONDS`. None or "" is healthy; any other text is the reason for degraded.
    Raising is degraded, and so is not answering before the next call is due.
`active_resources() -> int`
    Together with `health()`: how many resources the provider manages at the moment; 0 without it.
`stop()`
    Once, on SIGTERM, with the better part of `PRAGMA_GRACE_SECONDS` to return in.

The provider sees the standard library and what its wheel brought, nothing else; its configuration is the
environment. `PRAGMA_WORK_DIR` is the one directory it may write to. SIGTERM and SIGINT are the runtime's.
"""
