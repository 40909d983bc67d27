// The header is C++, too, with every INIT macro.
#include "flowlens/flowlens.h"

int main() {
  flowlens_flow flow = FLOWLENS_FLOW_INIT;
  flowlens_decoder_options options = FLOWLENS_DECODER_OPTIONS_INIT;
  flowlens_batch* batch = nullptr;
  const bool is_made = flowlens_batch_create(&batch, nullptr) == FLOWLENS_OK;
  flowlens_batch_destroy(batch);
  return is_made && flow.struct_size == sizeof flow && options.parser == nullptr ? 0 : 1;
}
