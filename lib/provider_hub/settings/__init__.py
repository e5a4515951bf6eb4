"""The settings of the functions, in groups: read once from the environment, typed, and explained here.

A field is the environment variable `HUB_<FIELD>` in capitals; the project alone is `GOOGLE_CLOUD_PROJECT`, which
Google's own libraries read too. A function names the groups that it needs as the bases of one class, and reads that:

    class Needs(Core, Tasks, Rollouts): ...

A variable that a named group requires and that is not set stops the function at its start. Groups that a function does
not name are not read. A field's name ends in its unit where it has one.

A module for each few groups: a function and its adapters import those of their own groups, so this file imports none.
"""
