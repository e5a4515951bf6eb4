"""The service accounts that call the functions of one machine, one for each kind of caller, as Terraform makes them."""

PUSH_ACCOUNT = "push@local.invalid"
TASKS_ACCOUNT = "tasks@local.invalid"
SCHEDULER_ACCOUNT = "scheduler@local.invalid"
