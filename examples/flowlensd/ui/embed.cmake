# Makes a C++ file of the page: cmake -DINPUT=index.html -DOUTPUT=page.cpp -P embed.cmake
file(READ ${INPUT} html)
file(SHA256 ${INPUT} hash)
string(SUBSTRING ${hash} 0 16 hash)
# In pieces, as compilers need accept no longer literals than 65,536 characters.
string(LENGTH "${html}" length)
set(pieces "")
set(at 0)
while(at LESS length)
  string(SUBSTRING "${html}" ${at} 8000 piece)
  string(APPEND pieces "R\"page(${piece})page\"\n")
  math(EXPR at "${at} + 8000")
endwhile()
file(WRITE ${OUTPUT}
  "#include \"http/page.hpp\"\n\nnamespace flowlensd::http {\n"
  "namespace {\nconstexpr char kHtml[] =\n${pieces};\n}\n"
  "const std::string_view kPageEtag = \"\\\"${hash}\\\"\";\n"
  "std::string_view page_html() noexcept { return {kHtml, sizeof kHtml - 1}; }\n"
  "}  // namespace flowlensd::http\n")
