"""A peer in another language: docs/wire_format.md in a few pages of Python.

It dials a node, receives appends, acknowledges each with a MsgAppResp, and says goodbye. It offers
no features, so all messages come as raftpb bytes (form WHOLE of docs/codec_format.md).

    python_peer.py ADDRESS OWN_NODE NODE CLUSTER APPENDS
"""

import queue
import struct
import sys

import grpc
import hawser_raftpb_pb2
import transport_pb2
import wire_pb2

METHOD = "/hawser.transport.v1.Transport/Stream"

DATA, FRAGMENT, ACK, PING, PONG, HELLO, START, FENCE, SWITCH, GOAWAY = range(1, 11)
SEQUENCED = (DATA, FRAGMENT)
URGENT, APPEND, BULK, NO_LANE = range(4)
FIRST, LAST = 0x04, 0x08
HEADER = struct.Struct("<BBHIII")
UNIT_BYTES = 8192
FIRST_GRANT = 512
# Frames and messages that this peer takes.
FRAME_BYTES_MAX = 128 * 1024
MESSAGE_BYTES_MAX = 64 * 1024 * 1024


def make_crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


CRC_TABLE = make_crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at


class WholeCodec:
    """Form WHOLE, for one direction, lane and epoch: it counts the messages."""

    def __init__(self):
        self.messages = 0

    def check(self, head, raftpb):
        crc = crc32c(struct.pack("<Q", self.messages) + head + raftpb)
        self.messages += 1
        return struct.pack("<I", crc)

    def encode(self, group, message):
        raftpb = message.SerializeToString()
        head = bytes([0x40]) + varint(group) + varint(len(raftpb))
        return head + self.check(head, raftpb) + raftpb

    def decode(self, data, at):
        start = at
        tag = data[at]
        assert tag in (0x80, 0x40), "a form that was not agreed on: tag %#x" % tag
        at += 1
        group = 0
        if tag == 0x40:
            group, at = read_varint(data, at)
        length, at = read_varint(data, at)
        head = data[start:at]
        raftpb = data[at + 4 : at + 4 + length]
        assert len(raftpb) == length, "bytes are missing"
        assert data[at : at + 4] == self.check(head, raftpb), "the check is wrong"
        message = hawser_raftpb_pb2.Message.FromString(raftpb)
        return group, message, at + 4 + length


class Peer:
    def __init__(self, address, own_node, node, cluster):
        self.node, self.own_node, self.cluster = node, own_node, cluster
        self.outgoing = queue.SimpleQueue()
        self.sequence = self.received = 0
        self.granted = FIRST_GRANT  # by us
        self.credit = None  # by the other end
        self.spent = 0
        self.encoder = None
        self.decoders = {}
        self.pieces = {}
        self.on_message = None
        channel = grpc.insecure_channel(address)
        call = channel.stream_stream(
            METHOD,
            request_serializer=transport_pb2.Frames.SerializeToString,
            response_deserializer=transport_pb2.Frames.FromString,
        )
        self.incoming = call(iter(self.outgoing.get, None))

    def send(self, kind, body=b"", lane=NO_LANE, count=0):
        if kind in SEQUENCED:
            self.sequence += 1
        frame = HEADER.pack(0x10 | kind, lane, count, self.sequence, self.received, self.granted)
        frame += body
        if kind != HELLO:
            self.spent += -(-len(frame) // UNIT_BYTES)
            assert self.spent <= self.credit, "more sent than granted"
        self.outgoing.put(transport_pb2.Frames(frame=[frame]))

    def send_message(self, group, message):
        self.send(DATA, self.encoder.encode(group, message), URGENT, 1)

    def say_hello(self):
        hello = wire_pb2.Hello(
            wire_version_min=1,
            wire_version_max=1,
            cluster_id=self.cluster,
            node_id=self.own_node,
            to_node_id=self.node,
            incarnation=0x5079_7468_6F6E,
            frame_bytes_max=FRAME_BYTES_MAX,
            message_bytes_max=MESSAGE_BYTES_MAX,
            receive_unit_bytes=UNIT_BYTES,
        )
        self.send(HELLO, hello.SerializeToString())

    def run(self):
        """Handles what comes until the stream ends."""
        self.say_hello()
        for frames in self.incoming:
            acknowledge = False
            for frame in frames.frame:
                acknowledge |= self.handle(frame)
            if acknowledge:
                self.send(ACK)

    def handle(self, frame):
        version_type, lane_flags, count, sequence, ack, credit = HEADER.unpack_from(frame)
        kind, body = version_type & 0x0F, frame[HEADER.size :]
        assert version_type >> 4 == 1, "version"
        assert ack <= self.sequence, "an ack of what was never sent"
        self.credit = credit
        if kind in SEQUENCED:
            assert sequence == self.received + 1, "a gap"
            self.received = sequence
        if kind != HELLO:
            self.granted += -(-len(frame) // UNIT_BYTES)
        if kind == HELLO:
            hello = wire_pb2.Hello.FromString(body)
            assert (hello.cluster_id, hello.node_id) == (self.cluster, self.node)
            # Commits the link: nothing was consumed before.
            self.send(FENCE, struct.pack("<III", 0, 0, 1))
        elif kind == FENCE:
            fence = struct.unpack_from("<III", body)[2]
            self.encoder = WholeCodec()
            self.send(START, struct.pack("<II", 1, fence))
        elif kind == START:
            assert struct.unpack_from("<II", body)[1] == 1, "it answers another fence"
            self.decoders = {lane: WholeCodec() for lane in (URGENT, APPEND, BULK)}
        elif kind == PING:
            self.send(PONG, body)
        elif kind == DATA:
            self.deliver(lane_flags & 3, body, count)
        elif kind == FRAGMENT:
            self.join(lane_flags, count, body)
        elif kind == GOAWAY:
            goaway = wire_pb2.Goaway.FromString(body)
            print("goaway %d: %s" % (goaway.reason, goaway.text))
        return kind in SEQUENCED

    def join(self, lane_flags, number, body):
        lane = lane_flags & 3
        if lane_flags & FIRST:
            self.pieces[lane] = (struct.unpack_from("<I", body)[0], [])
            body = body[4:]
        total, pieces = self.pieces[lane]
        assert number == len(pieces), "a piece out of order"
        pieces.append(body)
        if lane_flags & LAST:
            whole = b"".join(pieces)
            assert len(whole) == total
            self.deliver(lane, whole, 1)

    def deliver(self, lane, data, count):
        at = 0
        for _ in range(count):
            group, message, at = self.decoders[lane].decode(data, at)
            self.on_message(group, message)
        assert at == len(data), "bytes are left over"

    def stop(self):
        goaway = wire_pb2.Goaway(reason=2, text="the script ends")
        self.send(GOAWAY, goaway.SerializeToString())
        self.outgoing.put(None)


def main():
    address, own_node, node, cluster, appends = sys.argv[1:]
    peer = Peer(address, int(own_node), int(node), cluster)
    seen = []

    def on_message(group, message):
        if message.type != hawser_raftpb_pb2.MsgApp:
            return
        entries = [(entry.Index, len(entry.Data)) for entry in message.entries]
        assert [index for index, _ in entries] == list(
            range(message.index + 1, message.index + 1 + len(entries))
        )
        seen.append(message.index)
        response = hawser_raftpb_pb2.Message(
            type=hawser_raftpb_pb2.MsgAppResp,
            to=getattr(message, "from"),
            term=message.term,
            index=message.index + len(entries),
        )
        setattr(response, "from", message.to)
        peer.send_message(group, response)
        if len(seen) == int(appends):
            peer.send(ACK)
            peer.stop()

    peer.on_message = on_message
    peer.run()
    print("appends %d first %d last %d" % (len(seen), seen[0], seen[-1]))


if __name__ == "__main__":
    main()
