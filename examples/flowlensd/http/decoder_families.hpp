/// \file
/// http: metric families that processes of several roles have.
#pragma once

#include "flowlens/parcel_store.hpp"
#include "http/families.hpp"
#include "http/server.hpp"
#include "service.hpp"

namespace flowlensd::http {

void add_received_flows(Families& out, const Accounts& accounts);
void add_datagrams(Families& out, const DatagramLedger& ledger,
                   const UdpReceiverCounters& receiver);
void add_octets(Families& out, const OctetLedger& ledger);
/// What the decoders found out about exporters, and what they had to do without.
void add_decoding(Families& out, const DecoderAccount& decoders);
/// \param depth  of the queue behind the decoders, in flows.
void add_queue(Families& out, std::size_t depth, const Settings& now);
void add_receiver(Families& out, const Settings& settings, const ReceiverView& receiver);
void add_channel_state(Families& out, const ParcelState& state);
void add_process(Families& out, const Life& life, const ServerCounters& server);

}  // namespace flowlensd::http
