"""Large files on their way in: what the sender calls a file is never part of a path."""

from django.core.files.uploadhandler import TemporaryFileUploadHandler


class NamelessTemporaryFileUploadHandler(TemporaryFileUploadHandler):
    """Django ends the temporary file's path as the sent name ends, which may be longer than a path can be."""

    def new_file(
        self,
        field_name: str,
        file_name: str,
        content_type: str,
        content_length: int | None,
        charset: str | None = None,
        content_type_extra: dict[str, bytes] | None = None,
    ) -> None:
        super().new_file(field_name, "table", content_type, content_length, charset, content_type_extra)
        self.file_name = self.file.name = file_name
