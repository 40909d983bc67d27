/// \file
/// The core of FlowLens, in the order of a datagram's walk. Adapters (collect, store) have headers of
/// their own.
#pragma once

// base
#include "flowlens/diagnostic.hpp"
#include "flowlens/endpoint.hpp"
#include "flowlens/error.hpp"
#include "flowlens/id.hpp"
#include "flowlens/ip_address.hpp"
#include "flowlens/ledger.hpp"
#include "flowlens/time.hpp"
#include "flowlens/transport_session.hpp"
#include "flowlens/version.hpp"
// parse
#include "flowlens/information_element.hpp"
#include "flowlens/parser.hpp"
#include "flowlens/record.hpp"
#include "flowlens/sflow_sample.hpp"
#include "flowlens/template.hpp"
// normalize
#include "flowlens/decoder.hpp"
#include "flowlens/flow_record.hpp"
#include "flowlens/normalizer.hpp"
// enrich
#include "flowlens/enricher.hpp"
// aggregate
#include "flowlens/aggregator.hpp"
#include "flowlens/connection_summary.hpp"
// graph
#include "flowlens/dependency_graph.hpp"
#include "flowlens/fact.hpp"
#include "flowlens/graph_export.hpp"
#include "flowlens/revision.hpp"
#include "flowlens/snapshot.hpp"
// resolve
#include "flowlens/resolver.hpp"
