output "name" {
  description = "Name of the topic, once dead-lettering works for it."
  value       = google_pubsub_topic.this.name
  depends_on = [
    google_pubsub_subscription_iam_member.agent_acknowledges,
    google_pubsub_topic_iam_member.agent_publishes_dead_letters,
  ]
}

output "subscription" {
  description = "Name of the consumer's subscription."
  value       = google_pubsub_subscription.consumer.name
}
