// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/engine.hpp"

#include "dataplane/tls/stream.hpp"

namespace evergate::tls {
namespace {

Stream& streamOf(BIO* bio) {
    return *static_cast<Stream*>(BIO_get_data(bio));
}

int readBio(BIO* bio, char* data, int size) {
    return streamOf(bio).read(bio, data, size);
}

int writeBio(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    return streamOf(bio).write(data, size);
}

long controlBio(BIO* bio, int command, long, void*) {
    switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_EOF:
            return streamOf(bio).atEnd() ? 1 : 0;
        default:
            return 0;
    }
}

int createBio(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

}  // namespace

Engine::Engine() : bio_(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "evergate stream")) {
    if (!bio_)
        return;
    BIO_meth_set_read(bio_.get(), readBio);
    BIO_meth_set_write(bio_.get(), writeBio);
    BIO_meth_set_ctrl(bio_.get(), controlBio);
    BIO_meth_set_create(bio_.get(), createBio);
}

}  // namespace evergate::tls
