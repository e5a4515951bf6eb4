variable "binary_authorization" {
  description = "Whether pods run images alone that the project's Binary Authorization policy admits."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "Whether the cluster refuses to be destroyed."
  type        = bool
}

variable "kms_key" {
  description = "Id of the Cloud KMS key of the nodes' disks and of the cluster's Secrets; null leaves them to Google's keys."
  type        = string
  default     = null
}

variable "name" {
  description = "Name of the cluster."
  type        = string
}

variable "network" {
  description = "Where its nodes are: network and subnetwork by id, and the names of the subnetwork's ranges for pods and services."
  type = object({
    network        = string
    subnetwork     = string
    pods_range     = string
    services_range = string
  })
}

variable "node_account" {
  description = "E-mail of the service account that nodes run as."
  type        = string
}

variable "project" {
  description = "Id of the project."
  type        = string
}

variable "region" {
  description = "Region of the cluster."
  type        = string
}
