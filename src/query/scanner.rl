// The words of a filter. Ragel makes scanner.cpp of this at build time.
#include "query/token.hpp"

namespace flowlens::query {

namespace {

%%{
  machine filter_words;

  word = [^ \t\r\n()\[\]{},=!<>~"&|]+;
  quoted = '"' ([^"\\] | '\\' any)* '"';

  main := |*
    [ \t\r\n]+;
    word                      => { add(TokenKind::word); };
    quoted                    => { add(TokenKind::quoted); };
    [(\[{]                    => { add(TokenKind::open); };
    [)\]}]                    => { add(TokenKind::close); };
    ','                       => { add(TokenKind::comma); };
    '=' | '==' | '!=' | '<>' | '<' | '<=' | '>' | '>=' | '~' | '!~' | '!' | '&&' | '||'
                              => { add(TokenKind::op); };
  *|;
}%%

%% write data noerror nofinal noentry;

}  // namespace

std::vector<Token> scan(std::string_view text) {
  std::vector<Token> tokens;
  const char* const begin = text.data();
  const char* p = begin;
  const char* const pe = begin + text.size();
  const char* const eof = pe;
  const char* ts = nullptr;
  const char* te = nullptr;
  int cs = 0, act = 0;
  const auto add = [&](TokenKind kind) {
    tokens.push_back({kind, text.substr(static_cast<std::size_t>(ts - begin),
                                        static_cast<std::size_t>(te - ts)),
                      static_cast<std::uint32_t>(ts - begin)});
  };
  %% write init;
  %% write exec;
  (void)act;
  if (p != pe || ts != nullptr) {
    const char* const from = ts != nullptr ? ts : p;
    const auto column = static_cast<std::size_t>(from - begin);
    tokens.push_back({TokenKind::bad, text.substr(column), static_cast<std::uint32_t>(column)});
  }
  tokens.push_back({TokenKind::end, {}, static_cast<std::uint32_t>(text.size())});
  return tokens;
}

}  // namespace flowlens::query
