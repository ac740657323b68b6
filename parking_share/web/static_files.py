"""Static files under names that carry their digest, in scripts that import each other too."""

from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Django looks for imports in *.js only; ours, and MapLibre's, are in *.mjs.

    Without it a page of a new version could run scripts of the old one, and would load MapLibre twice.
    """

    max_post_process_passes = 12  # imports of imports: one pass each
    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("*.mjs", CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]),
    )
