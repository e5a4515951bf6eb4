locals {
  has_console = var.web_console != null

  console_source = "${path.module}/../../../console"
  console_files  = { for name in fileset(local.console_source, "**/*.{css,js,svg}") : name => filesha256("${local.console_source}/${name}") }
  console_types  = { css = "text/css; charset=utf-8", js = "text/javascript; charset=utf-8", svg = "image/svg+xml" }

  # The folder of the page's files has their digest as its name: browsers keep them for ever, and never mix two releases.
  console_release = substr(sha256(join("", [for name, digest in local.console_files : "${name} ${digest}\n"])), 0, 16)
  console_page    = replace(file("${local.console_source}/index.html"), "release/", "${local.console_release}/")
  console_config = jsonencode({
    issuer    = var.customer_realm.issuer
    client_id = try(var.web_console.client_id, null)
    scopes    = try(var.web_console.scopes, [])
  })
  console_headers = jsondecode(replace(file("${local.console_source}/headers.json"), "ISSUER", regex("^https://[^/]+", var.customer_realm.issuer)))

  # What a browser asks for again each time. Both are written after the files that they lead to.
  console_entries = {
    "app/index.html"  = { content = local.console_page, type = "text/html; charset=utf-8" }
    "app/config.json" = { content = local.console_config, type = "application/json" }
  }
}

# The web console's files, which are in the repository for everybody to read: the one bucket that the public may.
resource "google_storage_bucket" "console" {
  # checkov:skip=CKV_GCP_114:A browser reads it without credentials; it holds the repository's own files and no data.
  # checkov:skip=CKV_GCP_62:As above: nobody needs to know who read it.
  # checkov:skip=CKV_GCP_78:Every object can be made again from the repository.
  count = local.has_console ? 1 : 0

  project                     = local.project
  name                        = "${local.project}-${var.name}-console"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "inherited"
  force_destroy               = true

  website {
    main_page_suffix = "index.html"
  }

  dynamic "encryption" {
    for_each = local.kms_key == null ? [] : [local.kms_key]
    content {
      default_kms_key_name = encryption.value
    }
  }
}

resource "google_storage_bucket_object" "console_file" {
  for_each = local.has_console ? local.console_files : {}

  bucket        = google_storage_bucket.console[0].name
  name          = "app/${local.console_release}/${each.key}"
  source        = "${local.console_source}/${each.key}"
  content_type  = local.console_types[regex("[a-z]+$", each.key)]
  cache_control = "public, max-age=31536000, immutable"
}

resource "google_storage_bucket_object" "console_entry" {
  for_each = local.has_console ? local.console_entries : {}

  bucket        = google_storage_bucket.console[0].name
  name          = each.key
  content       = each.value.content
  content_type  = each.value.type
  cache_control = "no-cache"
  depends_on    = [google_storage_bucket_object.console_file]
}
