/** \file
 *  FlowLens for C: datagrams of NetFlow, IPFIX and sFlow in, flows and the map of dependencies out. Link
 *  libflowlens (pkg-config flowlens, or CMake's flowlens::capi).
 *
 *  Rules that hold for every function here:
 *  - Objects are opaque; a `_create`, `_open` or another function with `T **out` makes one, `_destroy` frees it and
 *    takes NULL.
 *  - Functions that can fail return a status. Their out-parameters are always written: to the result, or to NULL
 *    or 0. `error` may be NULL; else it is filled in, also by FLOWLENS_OK. A NULL where an object, a text or an
 *    out-parameter has to be is FLOWLENS_INVALID_ARGUMENT.
 *  - Structs with `struct_size` grow at their end in later releases. Set it by the INIT macro: the library reads and
 *    writes no more than the caller was compiled for. In options 0 means the default.
 *  - Times are nanoseconds since 1970-01-01 UTC. Nothing here reads a clock; times are the caller's, or the files'.
 *  - Texts are UTF-8 and end with NUL. Octets and texts that are handed in are not kept after the call.
 *  - Threads: distinct objects are independent. One object is used by one thread at a time, but where its own
 *    comment says more.
 *  - Malformed datagrams are no error: flowlens_result tells of them. */
#ifndef FLOWLENS_FLOWLENS_H
#define FLOWLENS_FLOWLENS_H

#include <stddef.h>
#include <stdint.h>

#include "flowlens/arrow_abi.h"

#if defined(__GNUC__)
#define FLOWLENS_API __attribute__((visibility("default")))
#else
#define FLOWLENS_API
#endif

/* What an INIT macro says: all zeros, and the size as the caller was compiled. */
#ifdef __cplusplus
template <typename Struct>
inline Struct flowlens_sized() {
  Struct made = Struct();
  made.struct_size = sizeof(Struct);
  return made;
}
#define FLOWLENS_SIZED(type) flowlens_sized<type>()
#else
#define FLOWLENS_SIZED(type) { .struct_size = sizeof(type) }
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- statuses, errors, values ------------------------------------------------------------------------------- */

/** What became of a call: one of the next. The numbers never change. */
typedef int32_t flowlens_status;
enum {
  FLOWLENS_OK = 0,
  FLOWLENS_INVALID_ARGUMENT = 1, /**< NULL where it must not be, or a value that cannot be */
  FLOWLENS_OUT_OF_MEMORY = 2,
  FLOWLENS_IO_ERROR = 3,  /**< a file cannot be read, or is damaged */
  FLOWLENS_NOT_FOUND = 4, /**< there is no such thing */
  FLOWLENS_DAMAGED = 5,   /**< octets that a save function did not write so */
  FLOWLENS_NOT_BUILT = 6, /**< this library was built without that part */
  FLOWLENS_INTERNAL = 7   /**< a fault of FlowLens */
};

/** What went wrong, for people. Its size never changes. */
typedef struct flowlens_error {
  flowlens_status status;
  uint32_t column;   /**< of a filter: octets before what is wrong; else 0 */
  char message[504]; /**< empty by FLOWLENS_OK; longer ones are cut */
} flowlens_error;

/** An address: 16 octets, IPv4 as v4-mapped (::ffff:10.0.0.1). */
typedef struct flowlens_address {
  uint8_t octets[16];
} flowlens_address;

/** The id of an asset, dependency or change; all zeros: none. */
typedef struct flowlens_id {
  uint8_t octets[16];
} flowlens_id;

#define FLOWLENS_ADDRESS_TEXT_SIZE 46 /**< octets that hold any address as text, with its NUL */
#define FLOWLENS_ID_TEXT_SIZE 37
#define FLOWLENS_TIME_TEXT_SIZE 36

/** The release, such as "0.1.0". Static text. Since 0.1, as all that follows. */
FLOWLENS_API const char *flowlens_version(void);
/** "invalid_argument" and so on; "unknown" for a number that is none. Static text. */
FLOWLENS_API const char *flowlens_status_name(flowlens_status status);

/** Reads `10.0.0.1` or `2001:db8::1`. \return FLOWLENS_OK or FLOWLENS_INVALID_ARGUMENT. */
FLOWLENS_API flowlens_status flowlens_address_parse(const char *text, flowlens_address *out, flowlens_error *error);
/** Writes RFC 5952 text, v4-mapped as dotted quad. */
FLOWLENS_API void flowlens_address_text(const flowlens_address *address, char text[FLOWLENS_ADDRESS_TEXT_SIZE]);
/** Reads `f81d4fae-7dec-11d0-a765-00a0c91e6bf6`. \return FLOWLENS_OK or FLOWLENS_INVALID_ARGUMENT. */
FLOWLENS_API flowlens_status flowlens_id_parse(const char *text, flowlens_id *out, flowlens_error *error);
FLOWLENS_API void flowlens_id_text(const flowlens_id *id, char text[FLOWLENS_ID_TEXT_SIZE]);
/** Writes RFC 3339 text: `2026-11-21T10:09:00.5Z`. */
FLOWLENS_API void flowlens_time_text(int64_t time_ns, char text[FLOWLENS_TIME_TEXT_SIZE]);
/** What a port is registered or commonly used for, `https`; empty for none known. Static text.
 *  \param protocol  IANA protocol number. */
FLOWLENS_API const char *flowlens_service_name(uint8_t protocol, uint16_t port);
/** `tcp`; empty for a number without a common name. Static text. */
FLOWLENS_API const char *flowlens_protocol_name(uint8_t protocol);

/** Octets or text that a function made; immutable. */
typedef struct flowlens_buffer flowlens_buffer;
/** \return its octets, with a NUL behind them, as long as the buffer is there; NULL for NULL. */
FLOWLENS_API const void *flowlens_buffer_data(const flowlens_buffer *buffer);
/** \return how many, without the NUL. */
FLOWLENS_API size_t flowlens_buffer_size(const flowlens_buffer *buffer);
FLOWLENS_API void flowlens_buffer_destroy(flowlens_buffer *buffer);

/* ---- flows -------------------------------------------------------------------------------------------------- */

/** Bits of flowlens_flow.present: what was exported. What was not is 0. */
enum {
  FLOWLENS_FLOW_SOURCE_ADDRESS = 1 << 0,
  FLOWLENS_FLOW_DESTINATION_ADDRESS = 1 << 1,
  FLOWLENS_FLOW_PROTOCOL = 1 << 2,
  FLOWLENS_FLOW_SOURCE_PORT = 1 << 3,
  FLOWLENS_FLOW_DESTINATION_PORT = 1 << 4,
  FLOWLENS_FLOW_OCTET_COUNT = 1 << 5,
  FLOWLENS_FLOW_PACKET_COUNT = 1 << 6,
  FLOWLENS_FLOW_START = 1 << 7,
  FLOWLENS_FLOW_END = 1 << 8,
  FLOWLENS_FLOW_TCP_FLAGS = 1 << 9,
  FLOWLENS_FLOW_INGRESS_INTERFACE = 1 << 10,
  FLOWLENS_FLOW_EGRESS_INTERFACE = 1 << 11,
  FLOWLENS_FLOW_NEXT_HOP = 1 << 12,
  FLOWLENS_FLOW_SOURCE_AS = 1 << 13,
  FLOWLENS_FLOW_DESTINATION_AS = 1 << 14,
  FLOWLENS_FLOW_SOURCE_PREFIX_LENGTH = 1 << 15,
  FLOWLENS_FLOW_DESTINATION_PREFIX_LENGTH = 1 << 16,
  FLOWLENS_FLOW_TOS = 1 << 17,
  FLOWLENS_FLOW_VLAN_ID = 1 << 18,
  FLOWLENS_FLOW_ICMP_TYPE_CODE = 1 << 19,
  FLOWLENS_FLOW_DIRECTION = 1 << 20,
  FLOWLENS_FLOW_TIMES_REPLACED = 1 << 21, /**< a remark: start or end were implausible */
  FLOWLENS_FLOW_TRANSLATION = 1 << 22     /**< a remark: the exporter told other addresses, too */
};

/** flowlens_flow.kind */
enum {
  FLOWLENS_KIND_TRAFFIC = 0, /**< packets that passed */
  FLOWLENS_KIND_DENIED = 1,  /**< a connection that a firewall refused */
  FLOWLENS_KIND_SAMPLED = 2  /**< one packet, not a flow */
};

/** flowlens_flow.initiator: whether the exporter itself says which end began. */
enum { FLOWLENS_INITIATOR_NOT_STATED = 0, FLOWLENS_INITIATOR_SOURCE = 1, FLOWLENS_INITIATOR_DESTINATION = 2 };

/** One flow of one direction, one exporter. Counts are as exported: nothing is scaled. */
typedef struct flowlens_flow {
  size_t struct_size;
  flowlens_address source_address;
  flowlens_address destination_address;
  flowlens_address exporter; /**< who sent the datagram; sFlow: the agent it names */
  flowlens_address next_hop;
  int64_t start_ns;      /**< of the first packet; when it was received where nothing was exported */
  int64_t end_ns;        /**< of the last packet, never before the first */
  int64_t received_ns;   /**< as handed to the decoder */
  uint64_t octet_count;  /**< IP octets, before sampling is undone */
  uint64_t packet_count; /**< the same */
  uint32_t present;      /**< FLOWLENS_FLOW_… bits */
  uint32_t observation_domain;
  uint32_t sampling_rate;     /**< one packet in so many was looked at, at least 1 */
  uint32_t ingress_interface; /**< ifIndex */
  uint32_t egress_interface;
  uint32_t source_as;
  uint32_t destination_as;
  uint16_t source_port;
  uint16_t destination_port;
  uint16_t vlan_id;
  uint16_t icmp_type_code; /**< type × 256 + code */
  uint8_t protocol;        /**< IANA protocol number */
  uint8_t tcp_flags;       /**< all packets' flags or-ed */
  uint8_t tos;
  uint8_t source_prefix_length;
  uint8_t destination_prefix_length;
  uint8_t flow_direction;   /**< of the observation point: 0 ingress, 1 egress */
  uint8_t sampling_source;  /**< as FlowRecord::sampling_source in C++ */
  uint8_t initiator;        /**< FLOWLENS_INITIATOR_… */
  uint8_t kind;             /**< FLOWLENS_KIND_… */
  uint8_t export_protocol;  /**< as FlowRecord::export_protocol in C++ */
  uint8_t is_fragment_tail; /**< 1: a fragment without ports */
  uint8_t counter_source;   /**< as FlowRecord::counter_source in C++ */
} flowlens_flow;
#define FLOWLENS_FLOW_INIT FLOWLENS_SIZED(flowlens_flow)

/** Flows on their way. Reuse one for many datagrams: clearing keeps its memory. */
typedef struct flowlens_batch flowlens_batch;
FLOWLENS_API flowlens_status flowlens_batch_create(flowlens_batch **out, flowlens_error *error);
FLOWLENS_API void flowlens_batch_destroy(flowlens_batch *batch);
FLOWLENS_API void flowlens_batch_clear(flowlens_batch *batch);
/** \return flows in it; 0 for NULL. */
FLOWLENS_API size_t flowlens_batch_count(const flowlens_batch *batch);
/** Reads one flow. \return FLOWLENS_OK, or FLOWLENS_NOT_FOUND past the last; then all of `out` but its size is 0. */
FLOWLENS_API flowlens_status flowlens_batch_get(const flowlens_batch *batch, size_t index, flowlens_flow *out,
                                                flowlens_error *error);
/** Appends a flow of the caller's own. \return FLOWLENS_INVALID_ARGUMENT for an enumeration out of its range, a
 *  sampling rate of 0, or an end before the start. */
FLOWLENS_API flowlens_status flowlens_batch_add(flowlens_batch *batch, const flowlens_flow *flow,
                                                flowlens_error *error);

/** How addresses come in Arrow columns of flows. */
enum { FLOWLENS_ADDRESSES_OCTETS = 0, FLOWLENS_ADDRESSES_TEXT = 1 };
typedef struct flowlens_arrow_options {
  size_t struct_size;
  uint32_t addresses;      /**< FLOWLENS_ADDRESSES_…: fixed_size_binary(16), or utf8; of flows only */
  uint32_t rows_per_batch; /**< at most; 0: 65536 */
  const char *columns;     /**< names parted by commas, in the order wanted; NULL: all */
} flowlens_arrow_options;
#define FLOWLENS_ARROW_OPTIONS_INIT FLOWLENS_SIZED(flowlens_arrow_options)

/** The flows as columns, by the Arrow C stream interface. The batch is empty afterwards: the stream has its flows.
 *  The receiver releases the stream. On failure `out->release` is NULL and the batch as it was.
 *  \param options  NULL for defaults. \return FLOWLENS_INVALID_ARGUMENT for a column that there is not. */
FLOWLENS_API flowlens_status flowlens_batch_export(flowlens_batch *batch, const flowlens_arrow_options *options,
                                                   struct ArrowArrayStream *out, flowlens_error *error);

/* ---- filters ------------------------------------------------------------------------------------------------ */

/** What a filter is asked about: one of the next. */
typedef uint32_t flowlens_rows;
enum {
  FLOWLENS_ROWS_FLOWS = 0,
  FLOWLENS_ROWS_DEPENDENCIES = 1,
  FLOWLENS_ROWS_ASSETS = 2,
  FLOWLENS_ROWS_CHANGES = 3
};

/** A filter, compiled: `src net 10.0.0.0/8 and dst port 443 and bytes > 1M`; docs/filters.md has the language.
 *  Immutable: any threads at once. */
typedef struct flowlens_filter flowlens_filter;
/** \param now_ns  what ages (`last seen < 5m`) count back from.
 *  \return FLOWLENS_INVALID_ARGUMENT for what is no filter; `error` has the column and what was expected. */
FLOWLENS_API flowlens_status flowlens_filter_compile(const char *text, flowlens_rows rows, int64_t now_ns,
                                                     flowlens_filter **out, flowlens_error *error);
FLOWLENS_API void flowlens_filter_destroy(flowlens_filter *filter);
/** The same filter in one spelling. */
FLOWLENS_API flowlens_status flowlens_filter_canonical(const flowlens_filter *filter, flowlens_buffer **out,
                                                       flowlens_error *error);
/** Removes the flows that a filter of flows refuses. \param removed  NULL, or set to how many. */
FLOWLENS_API flowlens_status flowlens_batch_keep(flowlens_batch *batch, const flowlens_filter *filter,
                                                 size_t *removed, flowlens_error *error);

/* ---- datagrams ---------------------------------------------------------------------------------------------- */

/** flowlens_session.transport */
enum { FLOWLENS_UDP = 0, FLOWLENS_TCP = 1, FLOWLENS_TLS = 2, FLOWLENS_FILE = 3 };
/** Who sent a datagram, and how it came. */
typedef struct flowlens_session {
  size_t struct_size;
  flowlens_address exporter;
  uint16_t exporter_port;
  uint16_t collector_port;
  uint8_t transport;
} flowlens_session;
#define FLOWLENS_SESSION_INIT FLOWLENS_SIZED(flowlens_session)

/** What became of one datagram. What came before a problem was delivered. */
typedef struct flowlens_result {
  size_t struct_size;
  uint32_t sets;         /**< read; of sFlow: samples */
  uint32_t sets_waiting; /**< their template has not come yet: normal over UDP */
  uint32_t sets_skipped; /**< malformed, or past the bound on waiting */
  uint32_t offset;       /**< of the first problem: octets from the start of the datagram */
  uint32_t detail;       /**< of the first problem: the offending length, count or id */
  uint8_t accepted;      /**< 1: the header was sound */
  char reason[31];       /**< of the first problem, one word: `unknown_template`; empty: nothing was wrong */
  char problem[128];     /**< the same for people, with the clause that decides */
} flowlens_result;
#define FLOWLENS_RESULT_INIT FLOWLENS_SIZED(flowlens_result)

/** Limits of a parser. */
typedef struct flowlens_parser_options {
  size_t struct_size;
  uint32_t max_templates;              /**< over all exporters; 0: 65536 */
  uint32_t max_templates_per_exporter; /**< 0: 4096 */
  uint32_t max_streams;                /**< observation domains that are followed; 0: 16384 */
  uint32_t template_lifetime_s;        /**< since announced or last used; 0: 1800 */
  uint64_t hash_seed;                  /**< a secret random number, so that no sender can choose collisions */
} flowlens_parser_options;
#define FLOWLENS_PARSER_OPTIONS_INIT FLOWLENS_SIZED(flowlens_parser_options)

/** Which conversation of a tunnelled packet becomes the flow. */
enum { FLOWLENS_TUNNEL_INNERMOST = 0, FLOWLENS_TUNNEL_OUTERMOST = 1 };
typedef struct flowlens_decoder_options {
  size_t struct_size;
  const flowlens_parser_options *parser; /**< NULL for defaults */
  uint32_t max_exporters;                /**< 0: 16384 */
  uint32_t tunnel_view;                  /**< FLOWLENS_TUNNEL_… */
  uint32_t max_time_behind_s;            /**< how far before its arrival a flow may have ended; 0: 3600 */
  uint32_t max_time_ahead_s;             /**< how far after it; 0: 60 */
} flowlens_decoder_options;
#define FLOWLENS_DECODER_OPTIONS_INIT FLOWLENS_SIZED(flowlens_decoder_options)

typedef struct flowlens_decoder_counters {
  size_t struct_size;
  uint64_t datagrams_received; /**< = accepted + refused */
  uint64_t datagrams_accepted;
  uint64_t records;              /**< data records and flow samples */
  uint64_t flows;                /**< given out; a biflow gives two */
  uint64_t records_without_flow; /**< no addresses, for example */
  uint64_t templates;            /**< held now */
  uint64_t sets_waiting;         /**< held now */
  uint64_t exporters;            /**< held now */
} flowlens_decoder_counters;
#define FLOWLENS_DECODER_COUNTERS_INIT FLOWLENS_SIZED(flowlens_decoder_counters)

/** Datagrams to flows: NetFlow v1, v5, v7, v9, IPFIX, sFlow, told apart by their octets. One for each thread, and always
 *  the same exporter to the same one. */
typedef struct flowlens_decoder flowlens_decoder;
/** \param options  NULL for defaults. */
FLOWLENS_API flowlens_status flowlens_decoder_create(const flowlens_decoder_options *options, flowlens_decoder **out,
                                                     flowlens_error *error);
FLOWLENS_API void flowlens_decoder_destroy(flowlens_decoder *decoder);
/** Decodes one datagram and appends its flows to `batch`.
 *  \param datagram  one UDP payload; NULL is allowed where `length` is 0.
 *  \param result  NULL, or set to what became of it.
 *  \return FLOWLENS_OK whatever the octets are. */
FLOWLENS_API flowlens_status flowlens_decoder_decode(flowlens_decoder *decoder, const void *datagram, size_t length,
                                                     const flowlens_session *session, int64_t received_ns,
                                                     flowlens_batch *batch, flowlens_result *result,
                                                     flowlens_error *error);
FLOWLENS_API flowlens_status flowlens_decoder_counts(const flowlens_decoder *decoder, flowlens_decoder_counters *out,
                                                     flowlens_error *error);
/** What is known of an exporter, some lines for a terminal: templates, loss, sampling, what is missing. */
FLOWLENS_API flowlens_status flowlens_decoder_explain(const flowlens_decoder *decoder,
                                                      const flowlens_address *exporter, int64_t now_ns,
                                                      flowlens_buffer **out, flowlens_error *error);
/** Templates and what exporters told, for a restart. */
FLOWLENS_API flowlens_status flowlens_decoder_save(const flowlens_decoder *decoder, flowlens_buffer **out,
                                                   flowlens_error *error);
/** \return FLOWLENS_DAMAGED for octets that flowlens_decoder_save() did not write; then nothing was taken. */
FLOWLENS_API flowlens_status flowlens_decoder_load(flowlens_decoder *decoder, const void *octets, size_t size,
                                                   flowlens_error *error);

/** flowlens_record_kind() */
enum { FLOWLENS_RECORD_DATA = 0, FLOWLENS_RECORD_OPTIONS = 1 };
/** One record as its template lays it out. A view: valid during the call that hands it over. */
typedef struct flowlens_record flowlens_record;
/** One field of a record. Its octets are valid as long as the record. */
typedef struct flowlens_field {
  size_t struct_size;
  const uint8_t *octets; /**< network byte order */
  size_t length;
  uint32_t enterprise; /**< 0: IANA's */
  uint16_t number;
} flowlens_field;
#define FLOWLENS_FIELD_INIT FLOWLENS_SIZED(flowlens_field)

/** Called for each record. It may not leave by longjmp or by a C++ exception. */
typedef void (*flowlens_on_record)(const flowlens_record *record, void *user);

/** Datagrams to raw records, by information element. (sFlow's samples are no records; a decoder reads them.) */
typedef struct flowlens_parser flowlens_parser;
FLOWLENS_API flowlens_status flowlens_parser_create(const flowlens_parser_options *options, flowlens_parser **out,
                                                    flowlens_error *error);
FLOWLENS_API void flowlens_parser_destroy(flowlens_parser *parser);
/** Adds names and types of elements of the caller's own: a table with the header
 *  `enterprise,number,name,type,semantics,units`. \param origin  what to call it in messages. */
FLOWLENS_API flowlens_status flowlens_parser_add_elements(flowlens_parser *parser, const char *table,
                                                          const char *origin, flowlens_error *error);
/** Parses one datagram as flowlens_decoder_decode() does, and calls `on_record` for each record. */
FLOWLENS_API flowlens_status flowlens_parser_parse(flowlens_parser *parser, const void *datagram, size_t length,
                                                   const flowlens_session *session, int64_t received_ns,
                                                   flowlens_on_record on_record, void *user,
                                                   flowlens_result *result, flowlens_error *error);
FLOWLENS_API uint32_t flowlens_record_kind(const flowlens_record *record);
FLOWLENS_API uint16_t flowlens_record_template_id(const flowlens_record *record);
FLOWLENS_API uint32_t flowlens_record_observation_domain(const flowlens_record *record);
/** Of the exporter's clock. */
FLOWLENS_API int64_t flowlens_record_export_time(const flowlens_record *record);
FLOWLENS_API size_t flowlens_record_field_count(const flowlens_record *record);
/** \return FLOWLENS_NOT_FOUND past the last. */
FLOWLENS_API flowlens_status flowlens_record_get(const flowlens_record *record, size_t index, flowlens_field *out,
                                                 flowlens_error *error);
/** By the element's name, `sourceIPv4Address`; the first where it is repeated.
 *  \return FLOWLENS_NOT_FOUND if the record lacks it; FLOWLENS_INVALID_ARGUMENT for a name that is no element's. */
FLOWLENS_API flowlens_status flowlens_record_find(const flowlens_record *record, const char *element,
                                                  flowlens_field *out, flowlens_error *error);
/** Writes the name of a field's element, or its text as the element's type reads (`10.0.0.1`, `443`, octets in
 *  hex). As snprintf does: what is longer than `size` is cut, with a NUL at its end.
 *  \return octets of the whole text, without the NUL; 0 for NULL. */
FLOWLENS_API size_t flowlens_record_field_name(const flowlens_record *record, const flowlens_field *field, char *text,
                                               size_t size);
FLOWLENS_API size_t flowlens_record_field_text(const flowlens_record *record, const flowlens_field *field, char *text,
                                               size_t size);
/** An integer of 1 to 8 octets. \return FLOWLENS_INVALID_ARGUMENT for another length. */
FLOWLENS_API flowlens_status flowlens_field_unsigned(const flowlens_field *field, uint64_t *out,
                                                     flowlens_error *error);

/* ---- files -------------------------------------------------------------------------------------------------- */

typedef struct flowlens_reader_options {
  size_t struct_size;
  const flowlens_decoder_options *decoder; /**< NULL for defaults */
  uint32_t batch_flows;                    /**< a batch is full from there on; 0: 65536 */
  uint32_t observation_point;              /**< of the first capture of traffic; each further file has the next */
} flowlens_reader_options;
#define FLOWLENS_READER_OPTIONS_INIT FLOWLENS_SIZED(flowlens_reader_options)

/** Files to flows: captures of exporters or of traffic, IPFIX files, flow logs; told apart by what they hold, several
 *  as one in the order of time. The files' own times stand for the clock. */
typedef struct flowlens_reader flowlens_reader;
/** \return FLOWLENS_IO_ERROR naming a file that cannot be read or is none of those known; FLOWLENS_NOT_BUILT without
 *  collect. */
FLOWLENS_API flowlens_status flowlens_reader_open(const char *const *paths, size_t path_count,
                                                  const flowlens_reader_options *options, flowlens_reader **out,
                                                  flowlens_error *error);
FLOWLENS_API void flowlens_reader_destroy(flowlens_reader *reader);
/** The next flows; `batch` is cleared first, and may stay empty. A file that turns out damaged ends there:
 *  flowlens_reader_problems() says so. \param more  set to 0 at the end of all files, else to 1. */
FLOWLENS_API flowlens_status flowlens_reader_next(flowlens_reader *reader, flowlens_batch *batch, int *more,
                                                  flowlens_error *error);
/** Octets read so far, and of all files (0: not known). Either may be NULL. */
FLOWLENS_API flowlens_status flowlens_reader_progress(const flowlens_reader *reader, uint64_t *octets_read,
                                                      uint64_t *octets_total, flowlens_error *error);
/** The latest time at which anything was received so far, for flowlens_resolver_flush(); 0 before the first flows. */
FLOWLENS_API flowlens_status flowlens_reader_now(const flowlens_reader *reader, int64_t *now_ns,
                                                 flowlens_error *error);
/** A line for each file in which something was wrong; empty: nothing was. */
FLOWLENS_API flowlens_status flowlens_reader_problems(const flowlens_reader *reader, flowlens_buffer **out,
                                                      flowlens_error *error);

/* ---- labels, summaries -------------------------------------------------------------------------------------- */

/** Puts addresses into a site; the most specific rule wins. This struct never grows. */
typedef struct flowlens_site_rule {
  const char *site;
  const char *exporters; /**< a prefix of exporters it speaks of; NULL: all */
  const char *addresses; /**< a prefix of addresses; NULL: all */
} flowlens_site_rule;
typedef struct flowlens_enricher_options {
  size_t struct_size;
  const flowlens_site_rule *sites;
  size_t site_count;
  const char *const *internal_networks; /**< prefixes that are internal besides the private ranges */
  size_t internal_network_count;
} flowlens_enricher_options;
#define FLOWLENS_ENRICHER_OPTIONS_INIT FLOWLENS_SIZED(flowlens_enricher_options)

/** Labels of one flow. Texts are valid as long as the enricher; empty where nothing is known. */
typedef struct flowlens_labels {
  size_t struct_size;
  const char *source_site;
  const char *destination_site;
  const char *source_service; /**< of the source port */
  const char *destination_service;
  uint8_t source_internal; /**< 1: in a private network, or one listed */
  uint8_t destination_internal;
} flowlens_labels;
#define FLOWLENS_LABELS_INIT FLOWLENS_SIZED(flowlens_labels)

/** Tells of the ends of a flow what tables know. Immutable: any threads at once. */
typedef struct flowlens_enricher flowlens_enricher;
FLOWLENS_API flowlens_status flowlens_enricher_create(const flowlens_enricher_options *options,
                                                      flowlens_enricher **out, flowlens_error *error);
FLOWLENS_API void flowlens_enricher_destroy(flowlens_enricher *enricher);
FLOWLENS_API flowlens_status flowlens_enricher_label(const flowlens_enricher *enricher, const flowlens_flow *flow,
                                                     flowlens_labels *out, flowlens_error *error);

typedef struct flowlens_aggregator_options {
  size_t struct_size;
  uint32_t window_s;           /**< length of a window, on event time; 0: 300 */
  uint32_t allowed_lateness_s; /**< how far the watermark lies behind `now`; 0: 60 */
  uint64_t max_conversations;  /**< 0: 4000000 */
  uint64_t hash_seed;          /**< against chosen collisions; never changes a result */
} flowlens_aggregator_options;
#define FLOWLENS_AGGREGATOR_OPTIONS_INIT FLOWLENS_SIZED(flowlens_aggregator_options)

/** flowlens_summary.direction and flowlens_dependency.direction */
enum { FLOWLENS_CLIENT_SERVER = 0, FLOWLENS_PEER = 1, FLOWLENS_DIRECTION_UNKNOWN = 2 };
/** One dependency in one window. Counts are cumulative in this window. */
typedef struct flowlens_summary {
  size_t struct_size;
  flowlens_address client;
  flowlens_address server;
  int64_t window_start_ns;
  int64_t first_ns;
  int64_t last_ns;
  uint64_t flows;
  uint64_t octets_to_server; /**< as exported, by the best single observer */
  uint64_t octets_to_client;
  uint64_t packets_to_server;
  uint64_t packets_to_client;
  uint64_t estimated_octets_to_server; /**< with sampling undone */
  uint64_t estimated_octets_to_client;
  float direction_confidence; /**< 0 to 1 */
  uint16_t client_site;       /**< number of its site */
  uint16_t server_site;
  uint16_t port; /**< of the service; 0 where there are none */
  uint8_t protocol;
  uint8_t direction;   /**< FLOWLENS_CLIENT_SERVER … */
  uint8_t provisional; /**< 1: its window is open: the answer may change */
} flowlens_summary;
#define FLOWLENS_SUMMARY_INIT FLOWLENS_SIZED(flowlens_summary)

/** Rows of an aggregator. Flushing into them again overwrites them. */
typedef struct flowlens_summaries flowlens_summaries;
FLOWLENS_API flowlens_status flowlens_summaries_create(flowlens_summaries **out, flowlens_error *error);
FLOWLENS_API void flowlens_summaries_destroy(flowlens_summaries *summaries);
FLOWLENS_API size_t flowlens_summaries_count(const flowlens_summaries *summaries);
FLOWLENS_API flowlens_status flowlens_summaries_get(const flowlens_summaries *summaries, size_t index,
                                                    flowlens_summary *out, flowlens_error *error);

/** Pairs the halves of a conversation, counts it once however many exporters saw it, decides who serves. */
typedef struct flowlens_aggregator flowlens_aggregator;
/** \param enricher  labels the flows; it must outlive the aggregator. */
FLOWLENS_API flowlens_status flowlens_aggregator_create(const flowlens_aggregator_options *options,
                                                        const flowlens_enricher *enricher,
                                                        flowlens_aggregator **out, flowlens_error *error);
FLOWLENS_API void flowlens_aggregator_destroy(flowlens_aggregator *aggregator);
/** Takes the flows of a batch. \param now_ns  never goes back; windows that end `allowed_lateness_s` before it take
 *  nothing any more. */
FLOWLENS_API flowlens_status flowlens_aggregator_add(flowlens_aggregator *aggregator, const flowlens_batch *batch,
                                                     int64_t now_ns, flowlens_error *error);
/** What changed since the last time; windows that are over are closed. */
FLOWLENS_API flowlens_status flowlens_aggregator_flush(flowlens_aggregator *aggregator, int64_t now_ns,
                                                       flowlens_summaries *out, flowlens_error *error);
/** The same, and closes every window: for the end. */
FLOWLENS_API flowlens_status flowlens_aggregator_finish(flowlens_aggregator *aggregator, flowlens_summaries *out,
                                                        flowlens_error *error);

/* ---- the map ------------------------------------------------------------------------------------------------ */

typedef struct flowlens_graph_options {
  size_t struct_size;
  uint64_t max_assets;       /**< past it, traffic of new endpoints is refused and counted; 0: 4000000 */
  uint64_t max_dependencies; /**< 0: 10000000 */
  const char *const *sites;  /**< names of sites besides `default`, in the order of their numbers */
  size_t site_count;
} flowlens_graph_options;
#define FLOWLENS_GRAPH_OPTIONS_INIT FLOWLENS_SIZED(flowlens_graph_options)

typedef struct flowlens_graph_counters {
  size_t struct_size;
  uint64_t assets;
  uint64_t dependencies;
  uint64_t refused_flows; /**< of what did not fit */
  uint64_t facts;
  uint64_t revision; /**< the last one taken or applied */
  uint64_t flows;    /**< over all dependencies, and so on */
  uint64_t octets_to_server;
  uint64_t octets_to_client;
} flowlens_graph_counters;
#define FLOWLENS_GRAPH_COUNTERS_INIT FLOWLENS_SIZED(flowlens_graph_counters)

/** flowlens_fact.source; of two facts the one further down wins. */
enum {
  FLOWLENS_FACT_OBSERVED = 0,
  FLOWLENS_FACT_INFERRED = 1,
  FLOWLENS_FACT_DNS = 2,
  FLOWLENS_FACT_CLOUD = 3,
  FLOWLENS_FACT_INVENTORY = 4,
  FLOWLENS_FACT_DECLARED = 5
};
/** One statement about an endpoint. Attributes that change the map: `name`, `type`, `asset`, `intermediary`. */
typedef struct flowlens_fact {
  size_t struct_size;
  const char *site; /**< NULL: `default` */
  flowlens_address address;
  const char *attribute; /**< `name`, `cloud.region`, … */
  const char *value;     /**< empty: this origin says nothing of it any more */
  const char *origin;    /**< which of its source's says so; NULL: none */
  uint32_t source;       /**< FLOWLENS_FACT_… */
  int64_t at_ns;
  int64_t expires_ns; /**< 0: never */
} flowlens_fact;
#define FLOWLENS_FACT_INIT FLOWLENS_SIZED(flowlens_fact)

/** The map: endpoints, assets, dependencies. Functions that take it as `const` may be called by any threads at any
 *  time, also while one thread changes it; those that change it by one thread at a time, but for
 *  flowlens_graph_add_fact(), which any may call. */
typedef struct flowlens_graph flowlens_graph;
FLOWLENS_API flowlens_status flowlens_graph_create(const flowlens_graph_options *options, flowlens_graph **out,
                                                   flowlens_error *error);
/** A resolver's own graph goes with the resolver: it is passed over. */
FLOWLENS_API void flowlens_graph_destroy(flowlens_graph *graph);
/** Adds the rows of an aggregator, and what they turned round. */
FLOWLENS_API flowlens_status flowlens_graph_apply_summaries(flowlens_graph *graph, flowlens_summaries *summaries,
                                                            flowlens_error *error);
/** Takes over the rows of a revision: of flowlens_resolver_flush(), flowlens_graph_save() and the like.
 *  \return FLOWLENS_DAMAGED for octets that are none, FLOWLENS_INVALID_ARGUMENT for a site the graph lacks. */
FLOWLENS_API flowlens_status flowlens_graph_apply(flowlens_graph *graph, const void *revision, size_t size,
                                                  flowlens_error *error);
/** Everything that changed since the last call, as revision `number`. */
FLOWLENS_API flowlens_status flowlens_graph_take_revision(flowlens_graph *graph, uint64_t number, uint64_t epoch,
                                                          int64_t at_ns, flowlens_buffer **out,
                                                          flowlens_error *error);
/** All rows at one moment, as a revision that an empty graph can apply. */
FLOWLENS_API flowlens_status flowlens_graph_save(const flowlens_graph *graph, flowlens_buffer **out,
                                                 flowlens_error *error);
/** \return FLOWLENS_INVALID_ARGUMENT for what is no fact or cannot be so. A fact that changes nothing is fine. */
FLOWLENS_API flowlens_status flowlens_graph_add_fact(flowlens_graph *graph, const flowlens_fact *fact,
                                                     flowlens_error *error);
FLOWLENS_API flowlens_status flowlens_graph_counts(const flowlens_graph *graph, flowlens_graph_counters *out,
                                                   flowlens_error *error);
/** The map as text. \param format  `json`, `graphml`, `dot`, `mermaid` or `csv`. */
FLOWLENS_API flowlens_status flowlens_graph_export(const flowlens_graph *graph, const char *format,
                                                   flowlens_buffer **out, flowlens_error *error);
/** Rows as columns, by the Arrow C stream interface, as flowlens_batch_export().
 *  \param filter  one of these rows; NULL: all. \param options  NULL for defaults. */
FLOWLENS_API flowlens_status flowlens_graph_dependencies(const flowlens_graph *graph, const flowlens_filter *filter,
                                                         const flowlens_arrow_options *options,
                                                         struct ArrowArrayStream *out, flowlens_error *error);
FLOWLENS_API flowlens_status flowlens_graph_assets(const flowlens_graph *graph, const flowlens_filter *filter,
                                                   const flowlens_arrow_options *options,
                                                   struct ArrowArrayStream *out, flowlens_error *error);
/** The newest first. */
FLOWLENS_API flowlens_status flowlens_graph_changes(const flowlens_graph *graph, const flowlens_filter *filter,
                                                    const flowlens_arrow_options *options,
                                                    struct ArrowArrayStream *out, flowlens_error *error);
/** The asset that holds an address. \param site  NULL: `default`. \return FLOWLENS_NOT_FOUND if none does. */
FLOWLENS_API flowlens_status flowlens_graph_find_asset(const flowlens_graph *graph, const char *site,
                                                       const flowlens_address *address, flowlens_id *out,
                                                       flowlens_error *error);

/** What is said of one asset. */
typedef struct flowlens_asset {
  size_t struct_size;
  flowlens_id id;
  flowlens_address address; /**< the first that it holds */
  int64_t first_seen_ns;
  int64_t last_seen_ns;
  float type_confidence; /**< 0 to 1 */
  uint8_t is_internal;
  char asset_type[35]; /**< `database`; `unknown` */
  char name[256];      /**< empty: none known; longer ones are cut */
} flowlens_asset;
#define FLOWLENS_ASSET_INIT FLOWLENS_SIZED(flowlens_asset)
/** \return FLOWLENS_NOT_FOUND if there is none. An id that has gone finds what it is an alias of. */
FLOWLENS_API flowlens_status flowlens_graph_asset(const flowlens_graph *graph, const flowlens_id *id,
                                                  flowlens_asset *out, flowlens_error *error);

/** One dependency with its totals. */
typedef struct flowlens_dependency {
  size_t struct_size;
  flowlens_id id;
  flowlens_id client_asset;
  flowlens_id server_asset;
  flowlens_address client;
  flowlens_address server;
  int64_t first_seen_ns;
  int64_t last_seen_ns;
  uint64_t flows;
  uint64_t octets_to_server;
  uint64_t octets_to_client;
  uint64_t packets_to_server;
  uint64_t packets_to_client;
  uint64_t estimated_octets_to_server;
  uint64_t estimated_octets_to_client;
  float direction_confidence;
  uint16_t port;
  uint8_t protocol;
  uint8_t direction;
  uint8_t provisional; /**< 1: no window of it has closed yet */
} flowlens_dependency;
#define FLOWLENS_DEPENDENCY_INIT FLOWLENS_SIZED(flowlens_dependency)
FLOWLENS_API flowlens_status flowlens_graph_dependency(const flowlens_graph *graph, const flowlens_id *id,
                                                       flowlens_dependency *out, flowlens_error *error);

typedef struct flowlens_resolver_options {
  size_t struct_size;
  const flowlens_enricher_options *enricher;     /**< NULL for defaults, here and below */
  const flowlens_aggregator_options *aggregator;
  const flowlens_graph_options *graph; /**< its sites are the enricher's: `sites` is not looked at */
  uint32_t without_changes;            /**< 1: no change events */
  uint64_t epoch;                      /**< of this term as the only writer; 0: 1 */
} flowlens_resolver_options;
#define FLOWLENS_RESOLVER_OPTIONS_INIT FLOWLENS_SIZED(flowlens_resolver_options)

/** The only writer of a map: flows in, revisions out. */
typedef struct flowlens_resolver flowlens_resolver;
FLOWLENS_API flowlens_status flowlens_resolver_create(const flowlens_resolver_options *options,
                                                      flowlens_resolver **out, flowlens_error *error);
FLOWLENS_API void flowlens_resolver_destroy(flowlens_resolver *resolver);
/** Goes on with a map that flowlens_graph_save() gave, before the first flows.
 *  \return as flowlens_graph_apply(). */
FLOWLENS_API flowlens_status flowlens_resolver_load(flowlens_resolver *resolver, const void *map, size_t size,
                                                    flowlens_error *error);
/** Takes the flows of a batch. \param now_ns  never goes back. */
FLOWLENS_API flowlens_status flowlens_resolver_add(flowlens_resolver *resolver, const flowlens_batch *batch,
                                                   int64_t now_ns, flowlens_error *error);
/** The same for flows out of files: each second of them at the time at which they were received. */
FLOWLENS_API flowlens_status flowlens_resolver_add_received(flowlens_resolver *resolver, const flowlens_batch *batch,
                                                            flowlens_error *error);
/** Brings the map up to `now_ns`. \param out  NULL, or set to the revision: what changed since the last one. */
FLOWLENS_API flowlens_status flowlens_resolver_flush(flowlens_resolver *resolver, int64_t now_ns,
                                                     flowlens_buffer **out, flowlens_error *error);
/** The same, and closes every window: for the end. */
FLOWLENS_API flowlens_status flowlens_resolver_finish(flowlens_resolver *resolver, int64_t now_ns,
                                                      flowlens_buffer **out, flowlens_error *error);
/** Its map, which lives as long as the resolver. What takes it as `const` is for it, and flowlens_graph_add_fact() and
 *  flowlens_classifier_look(); everything else that changes a graph is FLOWLENS_INVALID_ARGUMENT.
 *  \return NULL for NULL. */
FLOWLENS_API flowlens_graph *flowlens_resolver_graph(flowlens_resolver *resolver);

/* ---- questions to the map ----------------------------------------------------------------------------------- */

/** The structure of a map at one moment, made ready for questions; docs/analysis.md says what the words mean.
 *  Immutable: any threads at once. Keeps nothing of the graph. */
typedef struct flowlens_analysis flowlens_analysis;
FLOWLENS_API flowlens_status flowlens_analysis_create(const flowlens_graph *graph, flowlens_analysis **out,
                                                      flowlens_error *error);
FLOWLENS_API void flowlens_analysis_destroy(flowlens_analysis *analysis);

/** How sure an answer is. */
enum { FLOWLENS_CERTAIN = 0, FLOWLENS_PROBABLE = 1, FLOWLENS_POSSIBLE = 2 };
/** flowlens_impact_options.direction */
enum {
  FLOWLENS_UPSTREAM = 0,  /**< who is hit if the assets fail */
  FLOWLENS_DOWNSTREAM = 1 /**< what the assets need */
};
typedef struct flowlens_impact_options {
  size_t struct_size;
  uint32_t direction;
  uint32_t depth;        /**< hops at most; 0: 10 */
  uint64_t max_affected; /**< named; the others are counted; 0: 1000 */
} flowlens_impact_options;
#define FLOWLENS_IMPACT_OPTIONS_INIT FLOWLENS_SIZED(flowlens_impact_options)
/** An asset that is hit, and the last hop of why. */
typedef struct flowlens_affected {
  size_t struct_size;
  flowlens_id asset;
  flowlens_id because; /**< upstream: the last server it had; downstream: its client */
  uint32_t hops;
  uint16_t port;      /**< of the service it needed */
  uint8_t protocol;   /**< the same */
  uint8_t certainty;  /**< FLOWLENS_CERTAIN … */
  uint8_t weight_percent; /**< of the need */
} flowlens_affected;
#define FLOWLENS_AFFECTED_INIT FLOWLENS_SIZED(flowlens_affected)
typedef struct flowlens_impact flowlens_impact;
/** \param assets  fail together, or need together; at least one.
 *  \return FLOWLENS_NOT_FOUND for an asset that is not in the analysis. */
FLOWLENS_API flowlens_status flowlens_analysis_impact(const flowlens_analysis *analysis, const flowlens_id *assets,
                                                      size_t asset_count, const flowlens_impact_options *options,
                                                      flowlens_impact **out, flowlens_error *error);
FLOWLENS_API void flowlens_impact_destroy(flowlens_impact *impact);
FLOWLENS_API size_t flowlens_impact_count(const flowlens_impact *impact);
/** Affected assets, those not named included. */
FLOWLENS_API uint64_t flowlens_impact_total(const flowlens_impact *impact);
FLOWLENS_API flowlens_status flowlens_impact_get(const flowlens_impact *impact, size_t index, flowlens_affected *out,
                                                 flowlens_error *error);

/** An asset whose loss nothing makes up for. */
typedef struct flowlens_single_point {
  size_t struct_size;
  flowlens_id asset;
  uint32_t cut_off;       /**< assets it alone connects */
  uint32_t dominated;     /**< assets that are reached over it only */
  uint32_t clients;       /**< that need a service which no other server gives */
  uint32_t service_count; /**< these services */
} flowlens_single_point;
#define FLOWLENS_SINGLE_POINT_INIT FLOWLENS_SIZED(flowlens_single_point)
typedef struct flowlens_single_points flowlens_single_points;
/** The one that loses most first. \param limit  named; 0: 100. */
FLOWLENS_API flowlens_status flowlens_analysis_single_points(const flowlens_analysis *analysis, size_t limit,
                                                             flowlens_single_points **out, flowlens_error *error);
FLOWLENS_API void flowlens_single_points_destroy(flowlens_single_points *points);
FLOWLENS_API size_t flowlens_single_points_count(const flowlens_single_points *points);
FLOWLENS_API flowlens_status flowlens_single_points_get(const flowlens_single_points *points, size_t index,
                                                        flowlens_single_point *out, flowlens_error *error);

/** Ways from one asset to another, each a client of the next; the shortest first. */
typedef struct flowlens_paths flowlens_paths;
/** \param k  ways wanted, at least 1. \return FLOWLENS_NOT_FOUND for an asset that is not in the analysis. */
FLOWLENS_API flowlens_status flowlens_analysis_paths(const flowlens_analysis *analysis, const flowlens_id *from,
                                                     const flowlens_id *to, size_t k, flowlens_paths **out,
                                                     flowlens_error *error);
FLOWLENS_API void flowlens_paths_destroy(flowlens_paths *paths);
FLOWLENS_API size_t flowlens_paths_count(const flowlens_paths *paths);
/** Assets of one way, both ends included; 0 past the last. */
FLOWLENS_API size_t flowlens_paths_length(const flowlens_paths *paths, size_t path);
FLOWLENS_API flowlens_status flowlens_paths_get(const flowlens_paths *paths, size_t path, size_t step,
                                                flowlens_id *out, flowlens_error *error);

/** Which assets belong together. */
typedef struct flowlens_communities flowlens_communities;
/** \param resolution  more than 1: smaller ones; 0: 1. */
FLOWLENS_API flowlens_status flowlens_analysis_communities(const flowlens_analysis *analysis, double resolution,
                                                           flowlens_communities **out, flowlens_error *error);
FLOWLENS_API void flowlens_communities_destroy(flowlens_communities *communities);
/** Communities, numbered from 0. */
FLOWLENS_API size_t flowlens_communities_count(const flowlens_communities *communities);
/** Assets in all of them. */
FLOWLENS_API size_t flowlens_communities_assets(const flowlens_communities *communities);
/** \param asset  set to an asset. \param community  set to the number of its community. */
FLOWLENS_API flowlens_status flowlens_communities_get(const flowlens_communities *communities, size_t index,
                                                      flowlens_id *asset, uint32_t *community,
                                                      flowlens_error *error);

/* ---- what an asset is --------------------------------------------------------------------------------------- */

typedef struct flowlens_classifier_options {
  size_t struct_size;
  uint64_t min_flows;               /**< of an asset, to be judged; 0: 100 */
  uint32_t min_observation_hours;   /**< from its first to its last traffic; 0: 24 */
  uint32_t reclassify_interval_h;   /**< 0: 24 */
  const char *rules;         /**< a table as docs/classification.md has it; NULL: the one FlowLens comes with */
  const char *network_rules; /**< CSV: name, cidr, …; NULL: none */
} flowlens_classifier_options;
#define FLOWLENS_CLASSIFIER_OPTIONS_INIT FLOWLENS_SIZED(flowlens_classifier_options)
/** What the rules make of an asset. */
typedef struct flowlens_verdict {
  size_t struct_size;
  double confidence;   /**< 0 to 1 */
  char asset_type[40]; /**< the most probable */
  char reasons[3][160]; /**< the strongest first; empty: no more. Longer ones are cut */
} flowlens_verdict;
#define FLOWLENS_VERDICT_INIT FLOWLENS_SIZED(flowlens_verdict)

/** Judges assets by what they do. flowlens_classifier_look() by one thread at a time, flowlens_classifier_judge() by
 *  any. */
typedef struct flowlens_classifier flowlens_classifier;
FLOWLENS_API flowlens_status flowlens_classifier_create(const flowlens_classifier_options *options,
                                                        flowlens_classifier **out, flowlens_error *error);
FLOWLENS_API void flowlens_classifier_destroy(flowlens_classifier *classifier);
/** Looks at the assets that are due, and says what they are in facts of the graph.
 *  \param now_ns  never goes back. \param changed  NULL, or set to how many facts the map has taken. */
FLOWLENS_API flowlens_status flowlens_classifier_look(flowlens_classifier *classifier, flowlens_graph *graph,
                                                      int64_t now_ns, size_t *changed, flowlens_error *error);
/** Judges one asset now, and keeps nothing of it. \return FLOWLENS_NOT_FOUND if there is none. */
FLOWLENS_API flowlens_status flowlens_classifier_judge(const flowlens_classifier *classifier,
                                                       const flowlens_graph *graph, const flowlens_id *asset,
                                                       int64_t now_ns, flowlens_verdict *out, flowlens_error *error);

/* ---- what became otherwise ---------------------------------------------------------------------------------- */

/** flowlens_change.severity */
enum { FLOWLENS_INFO = 0, FLOWLENS_WARNING = 1, FLOWLENS_CRITICAL = 2 };
/** One change. Texts are valid as long as the list. */
typedef struct flowlens_change {
  size_t struct_size;
  flowlens_id id;
  flowlens_id subject;
  flowlens_id object;
  flowlens_address address; /**< what it is about; all zeros: none */
  flowlens_address client;  /**< of a dependency; all zeros: none */
  int64_t at_ns;
  const char *type;   /**< `new_dependency`; static text */
  const char *reason; /**< one sentence */
  const char *before; /**< may be empty, as the next */
  const char *after;
  uint16_t port;
  uint8_t protocol;
  uint8_t severity; /**< FLOWLENS_INFO … */
} flowlens_change;
#define FLOWLENS_CHANGE_INIT FLOWLENS_SIZED(flowlens_change)
/** A list of changes, causes before their parts. */
typedef struct flowlens_changes flowlens_changes;
FLOWLENS_API void flowlens_changes_destroy(flowlens_changes *changes);
FLOWLENS_API size_t flowlens_changes_count(const flowlens_changes *changes);
FLOWLENS_API flowlens_status flowlens_changes_get(const flowlens_changes *changes, size_t index, flowlens_change *out,
                                                  flowlens_error *error);

typedef struct flowlens_detector_options {
  size_t struct_size;
  uint32_t window_s;     /**< the aggregator's; 0: 300 */
  uint32_t learning_h;   /**< until then only discovery is said; 0: 168 */
  uint32_t scan_ends;    /**< addresses or ports that one client had never called, in a window; 0: 25 */
  uint64_t max_watched;  /**< assets, services and dependencies each; 0: 1000000 */
} flowlens_detector_options;
#define FLOWLENS_DETECTOR_OPTIONS_INIT FLOWLENS_SIZED(flowlens_detector_options)
/** Watches closed windows for what is otherwise than usual. A resolver has one of its own. */
typedef struct flowlens_detector flowlens_detector;
FLOWLENS_API flowlens_status flowlens_detector_create(const flowlens_detector_options *options,
                                                      flowlens_detector **out, flowlens_error *error);
FLOWLENS_API void flowlens_detector_destroy(flowlens_detector *detector);
/** Looks at the rows of closed windows. \param summaries  rows that `graph` has applied already. */
FLOWLENS_API flowlens_status flowlens_detector_look(flowlens_detector *detector, const flowlens_graph *graph,
                                                    const flowlens_summaries *summaries, flowlens_changes **out,
                                                    flowlens_error *error);
/** All that was learned, for a restart. */
FLOWLENS_API flowlens_status flowlens_detector_save(const flowlens_detector *detector, flowlens_buffer **out,
                                                    flowlens_error *error);
/** \return FLOWLENS_DAMAGED for other octets; then nothing has changed. */
FLOWLENS_API flowlens_status flowlens_detector_load(flowlens_detector *detector, const void *octets, size_t size,
                                                    flowlens_error *error);

/* ---- where an address is ------------------------------------------------------------------------------------ */

/** What a file tells of an address; what it does not tell is empty. Longer texts are cut. */
typedef struct flowlens_geo_record {
  size_t struct_size;
  double latitude; /**< degrees; meaningful where has_position */
  double longitude;
  uint32_t as_number; /**< 0: not told */
  uint8_t has_position;
  char continent[3];
  char country[8]; /**< ISO 3166-1, two letters */
  char region[16]; /**< ISO 3166-2 without the country */
  char country_name[64];
  char city[128];
  char as_organization[128];
} flowlens_geo_record;
#define FLOWLENS_GEO_RECORD_INIT FLOWLENS_SIZED(flowlens_geo_record)
/** One file in MaxMind's DB format. Immutable: any threads at once. */
typedef struct flowlens_geo flowlens_geo;
/** \return FLOWLENS_IO_ERROR if it cannot be read or is none; FLOWLENS_NOT_BUILT without lookup. */
FLOWLENS_API flowlens_status flowlens_geo_open(const char *path, flowlens_geo **out, flowlens_error *error);
FLOWLENS_API void flowlens_geo_destroy(flowlens_geo *geo);
/** \return FLOWLENS_NOT_FOUND if the file has no record of it; FLOWLENS_DAMAGED if the file is not sound there. */
FLOWLENS_API flowlens_status flowlens_geo_find(const flowlens_geo *geo, const flowlens_address *address,
                                               flowlens_geo_record *out, flowlens_error *error);

#ifdef __cplusplus
}
#endif

#endif /* FLOWLENS_FLOWLENS_H */
