# cmake -D OUTPUT=<file> -D SOURCES=<csv>;<csv>… -P ElementTable.cmake
#
# The tables of information elements (src/parse/elements/*.csv) as rows of one C++ array, in the order
# of their ids. A word that is no type or semantics of RFC 7012 does not compile.
set(rows)
foreach(source IN LISTS SOURCES)
  file(STRINGS ${source} lines REGEX "^[0-9]")
  list(APPEND rows ${lines})
endforeach()
list(SORT rows COMPARE NATURAL)
list(TRANSFORM rows REPLACE "^([0-9]+),([0-9]+),([^,]+),([^,]+),([^,]*),([^,]*)$"
  "FLOWLENS_ELEMENT(\\1, \\2, \"\\3\", \\4, \\5, \"\\6\")")
list(TRANSFORM rows REPLACE ", , \"" ", default_, \"")
list(JOIN rows "\n" text)
file(WRITE ${OUTPUT} "// Made from src/parse/elements/*.csv by cmake/ElementTable.cmake.\n${text}\n")
