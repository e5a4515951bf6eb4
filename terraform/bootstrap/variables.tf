variable "branch" {
  description = "The branch whose merges deploy."
  type        = string
  default     = "main"
  nullable    = false
  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+$", var.branch))
    error_message = "branch is the name of a branch, such as main."
  }
}

variable "name" {
  description = "The environment that is deployed, as NAME says it to deploy.sh."
  type        = string
  default     = "hub"
  nullable    = false
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,10}[a-z0-9]$", var.name))
    error_message = "name has 2 to 12 characters: lower-case letters, digits and dashes, a letter first and no dash last."
  }
}

variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is the project's id, not its name or number: 6 to 30 lower-case letters, digits and dashes."
  }
}

variable "repository" {
  description = "The GitHub repository whose workflows deploy, by its numeric id and its owner's: a name can be given up and taken by somebody else. `gh api repos/OWNER/NAME --jq '.id, .owner.id'` prints both."
  type = object({
    id       = string
    owner_id = string
  })
  nullable = false
  validation {
    condition     = can(regex("^[0-9]+$", var.repository.id)) && can(regex("^[0-9]+$", var.repository.owner_id))
    error_message = "repository.id and repository.owner_id are numbers."
  }
}

variable "suffix" {
  description = "As the deployment's own suffix: the end of the custom roles' names, which the deployer may grant."
  type        = string
  default     = ""
  nullable    = false
  validation {
    condition     = can(regex("^([a-z0-9]{1,8})?$", var.suffix))
    error_message = "suffix has up to 8 lower-case letters and digits."
  }
}
