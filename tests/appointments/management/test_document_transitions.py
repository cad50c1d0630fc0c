from appointments.management.commands.document_transitions import DOCUMENT, document


def test_the_document_says_what_the_table_says() -> None:
    assert DOCUMENT.read_text() == document()
