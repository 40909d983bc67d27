# Makes a C++ file of texts: cmake -DINPUTS="ui/index.html;…" -DFROM=folder -DOUTPUT=embedded.cpp -P embed.cmake
set(rows "")
foreach(name IN LISTS INPUTS)
  file(READ ${FROM}/${name} text)
  file(SHA256 ${FROM}/${name} hash)
  string(SUBSTRING ${hash} 0 16 hash)
  # In pieces, as compilers need accept no longer literals than 65,536 characters.
  string(LENGTH "${text}" length)
  set(pieces "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8000 piece)
    string(APPEND pieces "R\"text(${piece})text\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  string(APPEND rows "    {\"${name}\",\n${pieces}, \"\\\"${hash}\\\"\"},\n")
endforeach()
file(WRITE ${OUTPUT}
  "#include \"http/embedded.hpp\"\n\nnamespace flowlensd::http {\n"
  "namespace {\nconstexpr EmbeddedFile kFiles[] = {\n${rows}};\n}\n"
  "std::span<const EmbeddedFile> embedded_files() noexcept { return kFiles; }\n"
  "}  // namespace flowlensd::http\n")
