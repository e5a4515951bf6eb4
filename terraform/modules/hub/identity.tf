locals {
  # Who calls the functions that are not public, each with a token of its own.
  callers = {
    push      = "Pushes messages to their consumers."
    tasks     = "Calls functions that serve a queue, from Cloud Tasks."
    scheduler = "Calls functions that have a schedule, from Cloud Scheduler."
  }

  # Whose token each kind of trigger carries. A function with the trigger `http` is public: the gateway forwards the caller's own.
  caller_of = { topic = "push", dead_letters = "push", queue = "tasks", schedule = "scheduler" }
}

resource "google_service_account" "caller" {
  for_each = local.callers

  project      = local.project
  account_id   = "${var.name}-${each.key}"
  display_name = "Caller ${var.name}-${each.key}"
  description  = each.value
}

resource "google_service_account" "builder" {
  project      = local.project
  account_id   = "${var.name}-builder"
  display_name = "Builder of ${var.name}"
  description  = "Builds the functions' containers and the runtime image."
}

resource "google_service_account" "nodes" {
  project      = local.project
  account_id   = "${var.name}-nodes"
  display_name = "Nodes of ${var.name}"
  description  = "The cluster's nodes: logs, metrics, and pulling the runtime image."
}

resource "google_service_account" "smoke" {
  project      = local.project
  account_id   = "${var.name}-smoke"
  display_name = "Smoke test of ${var.name}"
  description  = "Signs the URL by which the smoke test's wheel is fetched."
}
