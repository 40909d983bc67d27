/// \file
/// resolve: what exporters tell of translation, in the words of the map: endpoints of sites, and who
/// of two is the real one.
#pragma once

#include "flowlens/enricher.hpp"
#include "flowlens/flow_record.hpp"
#include "flowlens/translation_table.hpp"

namespace flowlens::resolve {

/// Tells the table all translations of flows and all events in the batch.
void tell(const FlowBatch& batch, const Enricher& enricher, TranslationTable& table);

}  // namespace flowlens::resolve
