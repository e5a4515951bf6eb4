// The shapes of the API's answers that the console reads, as `/openapi.json` describes them. Types alone: no code.

/**
 * @typedef {"pending" | "processing" | "ready" | "failed" | "deleting"} LifecycleState
 * @typedef {"healthy" | "degraded"} Health
 *
 * @typedef {object} Installation
 * @property {string} prefix
 * @property {string} name
 * @property {string} canonical
 * @property {string} installed_version
 * @property {string | null} current_version
 * @property {"auto" | "manual"} upgrade_policy
 * @property {"free" | "standard" | "performance"} resource_tier
 * @property {Record<string, string>} config
 * @property {string[]} [secret_config]
 * @property {string} installed_at
 * @property {string} updated_at
 * @property {LifecycleState} lifecycle_state
 * @property {Health} health
 * @property {string | null} health_message
 * @property {string | null} failure_message
 * @property {boolean} rollback_on_failure
 * @property {boolean} allow_major_upgrades
 * @property {string | null} latest_version
 * @property {boolean} upgrade_available
 * @property {boolean} [relock_available]
 * @property {Advisory[] | null} [advisories]
 * @property {string | null} [mended_by]
 * @property {number} generation
 * @property {string[]} resource_types
 *
 * @typedef {object} Advisory
 * @property {string} id
 * @property {string[]} aliases
 * @property {string} package
 * @property {string} version
 * @property {string | null} summary
 * @property {"low" | "medium" | "high" | "critical" | null} severity
 * @property {string | null} fixed_in
 *
 * @typedef {object} TimelineEvent
 * @property {string} at
 * @property {string} event
 * @property {LifecycleState | null} from_state
 * @property {LifecycleState | null} to_state
 * @property {number} generation
 * @property {string} version
 * @property {string} cause
 * @property {string | null} reason
 *
 * @typedef {object} Deployment
 * @property {string} deployment_name
 * @property {"pending" | "progressing" | "available" | "failed"} status
 * @property {number} available_replicas
 * @property {number} ready_replicas
 * @property {string | null} version
 * @property {string | null} image
 * @property {string | null} updated_at
 * @property {string | null} message
 * @property {boolean} healthy
 *
 * @typedef {object} Author
 * @property {"platform" | "customer"} kind
 * @property {string} organization_id
 * @property {string} display_name
 *
 * @typedef {object} Provider
 * @property {string} prefix
 * @property {string} name
 * @property {string} canonical
 * @property {string} display_name
 * @property {string} description
 * @property {Author} author
 * @property {"public" | "tenant"} scope
 * @property {string | null} readme
 * @property {string[]} tags
 * @property {string | null} latest_version
 * @property {number} install_count
 * @property {string} created_at
 * @property {string} updated_at
 *
 * @typedef {object} ResourceSchema
 * @property {string} resource
 * @property {string | null} description
 * @property {JsonSchema | null} config_schema
 * @property {JsonSchema | null} outputs_schema
 *
 * @typedef {object} Version
 * @property {string} version
 * @property {string} canonical
 * @property {string} runtime_version
 * @property {string} wheel_url
 * @property {string} wheel_sha256
 * @property {string | null} wheel_filename
 * @property {number | null} wheel_size
 * @property {string | null} requires_python
 * @property {ResourceSchema[]} schemas
 * @property {string | null} changelog
 * @property {"building" | "published" | "failed" | "yanked"} status
 * @property {string | null} published_at
 * @property {string | null} error_message
 * @property {Record<string, string | null> | null} [published_by]
 * @property {string[]} [attestations]
 * @property {number | null} [lock_packages]
 * @property {Advisory[] | null} [advisories]
 * @property {number | null} [advisory_count]
 * @property {Advisory["severity"]} [advisory_severity]
 *
 * @typedef {Record<string, any>} JsonSchema
 *
 * @typedef {object} Rollout
 * @property {string} rollout_id
 * @property {string} version
 * @property {string | null} lock_sha256
 * @property {"waiting" | "running" | "baking" | "halted" | "paused" | "superseded" | "done"} state
 * @property {number} wave
 * @property {number} candidates
 * @property {number} started
 * @property {number} succeeded
 * @property {number} failed
 * @property {number} left
 * @property {string | null} halted_reason
 * @property {boolean} [paused_by_platform]
 * @property {string} created_at
 * @property {string} updated_at
 * @property {string | null} due_at
 *
 * @typedef {object} DeadLetter
 * @property {string} id
 * @property {string | null} provider
 * @property {string} event_type
 * @property {Record<string, any>} payload
 * @property {string} error_message
 * @property {number} attempt_count
 * @property {string} failed_at
 *
 * @typedef {object} Organization
 * @property {string} organization_id
 * @property {string} name
 * @property {string} slug
 * @property {string} status
 * @property {string} created_at
 *
 * @typedef {object} Publisher
 * @property {string} id
 * @property {"github" | "gitlab"} platform
 * @property {string} issuer
 * @property {string} repository
 * @property {string} workflow
 * @property {string | null} called_workflow
 * @property {string | null} environment
 * @property {string | null} ref
 * @property {string | null} repository_id
 * @property {string} created_at
 * @property {string | null} last_used_at
 *
 * @typedef {{items: Publisher[], secretless_only: boolean, organization_secretless_only: boolean}} Publishers
 *
 * @typedef {object} AuditEntry
 * @property {string} id
 * @property {string} at
 * @property {string} action
 * @property {"user" | "machine" | "console_user" | "console_machine" | "trusted_publisher"} actor_kind
 * @property {string} actor
 * @property {string | null} address
 * @property {string} subject
 * @property {string | null} detail
 *
 * @typedef {{items: AuditEntry[], next_page_token: string | null}} AuditPage
 */
export {};
