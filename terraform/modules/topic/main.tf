locals {
  # Pub/Sub must not deliver again while a function still works on a message.
  ack_deadlines = {
    consumer     = var.consumer.timeout + 30
    dead_letters = var.dead_letters.timeout + 30
  }
}

resource "google_pubsub_topic" "this" {
  project                    = var.project
  name                       = var.name
  kms_key_name               = var.kms_key
  message_retention_duration = "604800s" # a week to replay from, should a consumer have acknowledged wrongly

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

resource "google_pubsub_topic" "dead_letter" {
  project                    = var.project
  name                       = "${var.name}-dead-letter"
  kms_key_name               = var.kms_key
  message_retention_duration = "2678400s"

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }
}

resource "google_pubsub_subscription" "consumer" {
  project              = var.project
  name                 = var.name
  topic                = google_pubsub_topic.this.id
  ack_deadline_seconds = local.ack_deadlines.consumer
  # Off on purpose: a message that is tried again or buried would hold back every later one of its ordering key, such as
  # the change that repairs what failed. Consumers decide by id and generation and need no order.
  enable_message_ordering    = false
  message_retention_duration = "604800s"

  push_config {
    # The path names the topic: a function that serves several learns from it which one a delivery came from.
    push_endpoint = "${var.consumer.url}/${google_pubsub_topic.this.id}"

    oidc_token {
      service_account_email = var.pusher
      audience              = var.consumer.url
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letter.id
    max_delivery_attempts = 10
  }

  expiration_policy {
    ttl = "" # a subscription that nothing happens on for a month is still wanted
  }
}

# Unordered and without a dead-letter topic of its own: nothing is waiting behind a dead letter, and one that cannot be
# kept now is tried for as long as Pub/Sub keeps messages.
resource "google_pubsub_subscription" "dead_letters" {
  project                    = var.project
  name                       = "${var.name}-dead-letter"
  topic                      = google_pubsub_topic.dead_letter.id
  ack_deadline_seconds       = local.ack_deadlines.dead_letters
  message_retention_duration = "2678400s"

  push_config {
    push_endpoint = "${var.dead_letters.url}/${google_pubsub_topic.dead_letter.id}"

    oidc_token {
      service_account_email = var.pusher
      audience              = var.dead_letters.url
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub itself moves a message whose tries are used up: publishes it there ...
resource "google_pubsub_topic_iam_member" "agent_publishes_dead_letters" {
  project = var.project
  topic   = google_pubsub_topic.dead_letter.name
  role    = "roles/pubsub.publisher"
  member  = var.pubsub_agent
}

# ... and acknowledges it here.
resource "google_pubsub_subscription_iam_member" "agent_acknowledges" {
  project      = var.project
  subscription = google_pubsub_subscription.consumer.name
  role         = "roles/pubsub.subscriber"
  member       = var.pubsub_agent
}
