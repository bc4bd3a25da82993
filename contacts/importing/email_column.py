"""Which column holds the addresses: by its heading and its cells, and never by a mere guess."""

from collections.abc import Container

from common.addresses import InvalidAddress
from contacts.importing.address_cells import address_in_cell
from contacts.importing.fields import Field
from contacts.importing.headings import field_of_heading
from contacts.importing.layout import Layout, holds_address
from contacts.importing.refusals import NoAddressColumn


def find_email_column(layout: Layout, *, taken: Container[int]) -> int:
    """The column that is called so and holds addresses; else the one that holds most different addresses, if
    they are the half of its cells; else one that is at least called so. Raises NoAddressColumn."""
    free = [index for index in range(len(layout.columns)) if index not in taken]
    different = {index: len({cell.casefold() for cell in layout.cells(index) if _is_address(cell)}) for index in free}
    called = [index for _, index in sorted(_ranked(layout, free))]
    for index in called:
        if different[index]:
            return index
    for index in sorted(free, key=lambda index: -different[index]):
        cells = layout.cells(index)
        if different[index] and 2 * sum(map(_is_address, cells)) >= len(cells):
            return index
    if called:
        return called[0]
    raise NoAddressColumn(layout.columns)


def _ranked(layout: Layout, free: list[int]) -> list[tuple[int, int]]:
    if not layout.header_line:
        return []
    found = ((field_of_heading(layout.columns[index]), index) for index in free)
    return [(known[1], index) for known, index in found if known and known[0] is Field.EMAIL]


def _is_address(cell: str) -> bool:
    if "@" not in cell:
        return False
    if holds_address(cell):
        return True
    try:
        address_in_cell(cell)
    except InvalidAddress:
        return False
    return True
