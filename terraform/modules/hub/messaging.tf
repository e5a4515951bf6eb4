locals {
  # Topics by what they carry, and who consumes each. The dead letters of all of them go to one function.
  topics             = { for name, function in local.functions : function.triggers.topic => { consumer = name } if can(function.triggers.topic) }
  dead_letter_keeper = one([for name, function in local.functions : name if can(function.triggers.dead_letters)])

  topic_prefix = "${var.name}-"
  topic_names  = { for topic in keys(local.topics) : topic => "${local.topic_prefix}${topic}" }
}

module "topic" {
  source   = "../topic"
  for_each = local.topics

  project      = local.project
  region       = var.region
  name         = local.topic_names[each.key]
  kms_key      = local.kms_key
  pusher       = google_service_account.caller["push"].email
  pubsub_agent = google_project_service_identity.agent["pubsub"].member

  consumer = {
    url     = module.function[each.value.consumer].url
    timeout = local.sizes[each.value.consumer].timeout
  }

  dead_letters = {
    url     = module.function[local.dead_letter_keeper].url
    timeout = local.sizes[local.dead_letter_keeper].timeout
  }

  # A push without the right to make its token would use up the tries of a message before the grant arrives.
  depends_on = [google_service_account_iam_member.agent_signs_pushes]
}
