"""What a rule that says no raises; the shell turns it into a sentence on a page or a problem document."""


class DomainError(Exception):
    """A refusal that a person can read.

    Subclasses live beside the function that raises them and set `code`, a stable name for programs. The message is
    translated and written for the reader: what is wrong, what to do.
    """

    code = "refused"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class TryAgainError(DomainError):
    """Somebody else was in the way for longer than we wait; the same call may succeed at once."""

    code = "try_again"
