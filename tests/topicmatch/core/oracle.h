// The rules of MQTT topic filters read off the text, slowly: what topicmatch.c is compared with.
// It shares no code with topicmatch.c, only the names of the faults.

#ifndef ORACLE_H
#define ORACLE_H

#include "topicmatch.h"

topicmatch_error_t oracle_check_topic(const uint8_t *topic, size_t length, bool strict);
topicmatch_error_t oracle_check_filter(const uint8_t *filter, size_t length, bool shared,
                                       bool strict);

// Both must be correct.
bool oracle_match(const uint8_t *filter, size_t filter_length, const uint8_t *topic,
                  size_t topic_length, bool shared);

#endif // ORACLE_H
