# The configuration was in this folder itself before it became a module: a state of then keeps all that it has. What was
# added to the module since needs nothing here.

moved {
  from = google_project_iam_member.documents
  to   = module.hub.google_project_iam_member.documents
}

moved {
  from = google_pubsub_topic_iam_member.publishes
  to   = module.hub.google_pubsub_topic_iam_member.publishes
}

moved {
  from = google_cloud_tasks_queue_iam_member.creates_tasks
  to   = module.hub.google_cloud_tasks_queue_iam_member.creates_tasks
}

moved {
  from = google_cloud_tasks_queue_iam_member.deletes_tasks
  to   = module.hub.google_cloud_tasks_queue_iam_member.deletes_tasks
}

moved {
  from = google_kms_crypto_key_iam_member.encrypts
  to   = module.hub.google_kms_crypto_key_iam_member.encrypts
}

moved {
  from = google_kms_crypto_key_iam_member.decrypts
  to   = module.hub.google_kms_crypto_key_iam_member.decrypts
}

moved {
  from = google_service_account_iam_member.lends_tasks_account
  to   = module.hub.google_service_account_iam_member.lends_tasks_account
}

moved {
  from = google_storage_bucket_iam_member.creates_objects
  to   = module.hub.google_storage_bucket_iam_member.creates_objects
}

moved {
  from = google_storage_bucket_iam_member.reads_objects
  to   = module.hub.google_storage_bucket_iam_member.reads_objects
}

moved {
  from = google_service_account_iam_member.signs_urls
  to   = module.hub.google_service_account_iam_member.signs_urls
}

moved {
  from = google_project_iam_custom_role.reads_cluster
  to   = module.hub.google_project_iam_custom_role.reads_cluster
}

moved {
  from = google_project_iam_custom_role.writes_cluster
  to   = module.hub.google_project_iam_custom_role.writes_cluster
}

moved {
  from = google_logging_log_view.pods
  to   = module.hub.google_logging_log_view.pods
}

moved {
  from = google_project_iam_member.reads_logs
  to   = module.hub.google_project_iam_member.reads_logs
}

moved {
  from = google_project_iam_member.reads_cluster
  to   = module.hub.google_project_iam_member.reads_cluster
}

moved {
  from = google_project_iam_member.writes_cluster
  to   = module.hub.google_project_iam_member.writes_cluster
}

moved {
  from = google_pubsub_topic_iam_member.runtimes_check_in
  to   = module.hub.google_pubsub_topic_iam_member.runtimes_check_in
}

moved {
  from = google_project_iam_custom_role.gets_objects
  to   = module.hub.google_project_iam_custom_role.gets_objects
}

moved {
  from = google_storage_bucket_iam_member.runtimes_read
  to   = module.hub.google_storage_bucket_iam_member.runtimes_read
}

moved {
  from = google_service_account_iam_member.agent_signs_pushes
  to   = module.hub.google_service_account_iam_member.agent_signs_pushes
}

moved {
  from = google_project_iam_member.nodes
  to   = module.hub.google_project_iam_member.nodes
}

moved {
  from = google_artifact_registry_repository_iam_member.nodes
  to   = module.hub.google_artifact_registry_repository_iam_member.nodes
}

moved {
  from = google_project_iam_member.builder
  to   = module.hub.google_project_iam_member.builder
}

moved {
  from = google_storage_bucket_iam_member.builder
  to   = module.hub.google_storage_bucket_iam_member.builder
}

moved {
  from = google_project_iam_member.builder_sources
  to   = module.hub.google_project_iam_member.builder_sources
}

moved {
  from = google_artifact_registry_repository_iam_member.builder
  to   = module.hub.google_artifact_registry_repository_iam_member.builder
}

moved {
  from = google_storage_bucket_iam_member.console
  to   = module.hub.google_storage_bucket_iam_member.console
}

moved {
  from = google_storage_bucket_iam_member.smoke
  to   = module.hub.google_storage_bucket_iam_member.smoke
}

moved {
  from = google_service_account_iam_member.operators
  to   = module.hub.google_service_account_iam_member.operators
}

moved {
  from = time_sleep.builder_grants
  to   = module.hub.time_sleep.builder_grants
}

moved {
  from = google_monitoring_uptime_check_config.api
  to   = module.hub.google_monitoring_uptime_check_config.api
}

moved {
  from = google_monitoring_alert_policy.logged
  to   = module.hub.google_monitoring_alert_policy.logged
}

moved {
  from = google_monitoring_alert_policy.threshold
  to   = module.hub.google_monitoring_alert_policy.threshold
}

moved {
  from = google_monitoring_alert_policy.errors
  to   = module.hub.google_monitoring_alert_policy.errors
}

moved {
  from = google_monitoring_alert_policy.sweeper
  to   = module.hub.google_monitoring_alert_policy.sweeper
}

moved {
  from = google_billing_budget.this
  to   = module.hub.google_billing_budget.this
}

moved {
  from = google_project_iam_audit_config.this
  to   = module.hub.google_project_iam_audit_config.this
}

moved {
  from = google_logging_project_sink.audit
  to   = module.hub.google_logging_project_sink.audit
}

moved {
  from = google_binary_authorization_policy.this
  to   = module.hub.google_binary_authorization_policy.this
}

moved {
  from = module.cluster
  to   = module.hub.module.cluster
}

moved {
  from = google_storage_bucket.console
  to   = module.hub.google_storage_bucket.console
}

moved {
  from = google_storage_bucket_object.console_file
  to   = module.hub.google_storage_bucket_object.console_file
}

moved {
  from = google_storage_bucket_object.console_entry
  to   = module.hub.google_storage_bucket_object.console_entry
}

moved {
  from = google_monitoring_dashboard.this
  to   = module.hub.google_monitoring_dashboard.this
}

moved {
  from = google_firestore_database.this
  to   = module.hub.google_firestore_database.this
}

moved {
  from = google_firestore_backup_schedule.weekly
  to   = module.hub.google_firestore_backup_schedule.weekly
}

moved {
  from = google_firestore_backup_schedule.daily
  to   = module.hub.google_firestore_backup_schedule.daily
}

moved {
  from = google_firestore_field.unindexed
  to   = module.hub.google_firestore_field.unindexed
}

moved {
  from = google_firestore_field.expiry
  to   = module.hub.google_firestore_field.expiry
}

moved {
  from = google_firestore_field.indexed
  to   = module.hub.google_firestore_field.indexed
}

moved {
  from = google_firestore_index.this
  to   = module.hub.google_firestore_index.this
}

moved {
  from = google_kms_crypto_key_iam_member.key_users
  to   = module.hub.google_kms_crypto_key_iam_member.key_users
}

moved {
  from = google_kms_crypto_key_iam_member.database_key_user
  to   = module.hub.google_kms_crypto_key_iam_member.database_key_user
}

moved {
  from = time_sleep.key_grants
  to   = module.hub.time_sleep.key_grants
}

moved {
  from = module.function
  to   = module.hub.module.function
}

moved {
  from = module.gateway
  to   = module.hub.module.gateway
}

moved {
  from = google_service_account.caller
  to   = module.hub.google_service_account.caller
}

moved {
  from = google_service_account.builder
  to   = module.hub.google_service_account.builder
}

moved {
  from = google_service_account.nodes
  to   = module.hub.google_service_account.nodes
}

moved {
  from = google_service_account.smoke
  to   = module.hub.google_service_account.smoke
}

moved {
  from = module.topic
  to   = module.hub.module.topic
}

moved {
  from = google_logging_metric.counter
  to   = module.hub.google_logging_metric.counter
}

moved {
  from = google_logging_metric.distribution
  to   = module.hub.google_logging_metric.distribution
}

moved {
  from = time_sleep.metrics
  to   = module.hub.time_sleep.metrics
}

moved {
  from = google_monitoring_notification_channel.email
  to   = module.hub.google_monitoring_notification_channel.email
}

moved {
  from = module.network
  to   = module.hub.module.network
}

moved {
  from = google_compute_subnetwork_iam_member.network_users
  to   = module.hub.google_compute_subnetwork_iam_member.network_users
}

moved {
  from = google_project_iam_member.host_agent
  to   = module.hub.google_project_iam_member.host_agent
}

moved {
  from = google_monitoring_custom_service.this
  to   = module.hub.google_monitoring_custom_service.this
}

moved {
  from = google_monitoring_slo.available
  to   = module.hub.google_monitoring_slo.available
}

moved {
  from = google_monitoring_slo.prompt
  to   = module.hub.google_monitoring_slo.prompt
}

moved {
  from = google_monitoring_slo.ready
  to   = module.hub.google_monitoring_slo.ready
}

moved {
  from = google_kms_key_ring.this
  to   = module.hub.google_kms_key_ring.this
}

moved {
  from = google_kms_crypto_key.config_values
  to   = module.hub.google_kms_crypto_key.config_values
}

moved {
  from = google_secret_manager_secret.check_in_key
  to   = module.hub.google_secret_manager_secret.check_in_key
}

moved {
  from = google_secret_manager_secret_version.check_in_key
  to   = module.hub.google_secret_manager_secret_version.check_in_key
}

moved {
  from = google_secret_manager_secret.this
  to   = module.hub.google_secret_manager_secret.this
}

moved {
  from = google_secret_manager_secret_version.this
  to   = module.hub.google_secret_manager_secret_version.this
}

moved {
  from = google_project_service.this
  to   = module.hub.google_project_service.this
}

moved {
  from = time_sleep.services
  to   = module.hub.time_sleep.services
}

moved {
  from = google_project_service_identity.agent
  to   = module.hub.google_project_service_identity.agent
}

moved {
  from = google_storage_bucket.sources
  to   = module.hub.google_storage_bucket.sources
}

moved {
  from = google_storage_bucket.artifacts
  to   = module.hub.google_storage_bucket.artifacts
}

moved {
  from = google_storage_bucket.samples
  to   = module.hub.google_storage_bucket.samples
}

moved {
  from = google_artifact_registry_repository.runtime
  to   = module.hub.google_artifact_registry_repository.runtime
}

moved {
  from = google_artifact_registry_repository.functions
  to   = module.hub.google_artifact_registry_repository.functions
}

moved {
  from = google_cloud_tasks_queue.this
  to   = module.hub.google_cloud_tasks_queue.this
}

moved {
  from = google_cloud_scheduler_job.this
  to   = module.hub.google_cloud_scheduler_job.this
}
