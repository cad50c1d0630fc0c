from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModules(CompressedManifestStaticFilesStorage):
    """Names static files by their content, also where one ES module imports another."""

    support_js_module_import_aggregation = True
