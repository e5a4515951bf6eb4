variable "consumer" {
  description = "The function that messages are pushed to: its URL, and its timeout in seconds."
  type = object({
    url     = string
    timeout = number
  })
}

variable "dead_letters" {
  description = "The function that dead letters are pushed to: its URL, and its timeout in seconds."
  type = object({
    url     = string
    timeout = number
  })
}

variable "kms_key" {
  description = "Id of the Cloud KMS key that messages are encrypted with; null = Google's keys."
  type        = string
  default     = null
}

variable "name" {
  description = "Name of the topic; its dead-letter topic has the suffix -dead-letter, and each subscription its topic's name."
  type        = string
}

variable "project" {
  description = "Id of the project."
  type        = string
}

variable "pubsub_agent" {
  description = "IAM member of Pub/Sub's own agent, which forwards dead letters."
  type        = string
}

variable "pusher" {
  description = "Email of the service account whose OIDC token a push carries."
  type        = string
}

variable "region" {
  description = "The one region that keeps the messages."
  type        = string
}
