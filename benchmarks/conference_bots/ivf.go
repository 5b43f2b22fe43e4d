package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
)

const room = 1150 // bytes of a picture in one packet

var (
	read     = map[string][][]byte{}
	readLock sync.Mutex
)

// The frames of an IVF file, read once for all who send it.
func frames(path string) ([][]byte, error) {
	readLock.Lock()
	defer readLock.Unlock()
	if found, known := read[path]; known {
		return found, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(data) < 32 || string(data[:4]) != "DKIF" {
		return nil, fmt.Errorf("%s is no IVF file", path)
	}
	var found [][]byte
	for data = data[32:]; len(data) >= 12; {
		size := int(binary.LittleEndian.Uint32(data))
		if data = data[12:]; size > len(data) {
			return nil, fmt.Errorf("%s is cut off", path)
		}
		found = append(found, data[:size])
		data = data[size:]
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no frame", path)
	}
	read[path] = found
	return found, nil
}

// A VP8 frame as payloads of packets (RFC 7741), each with four bytes of descriptor; the number of the
// picture in them is filled in by numbered.
func payloads(frame []byte) [][]byte {
	var made [][]byte
	for at := 0; at < len(frame); at += room {
		part := frame[at:min(at+room, len(frame))]
		one := make([]byte, 4, 4+len(part))
		one[0], one[1] = 0x80, 0x80
		if at == 0 {
			one[0] |= 0x10
		}
		made = append(made, append(one, part...))
	}
	return made
}

func numbered(payload []byte, picture uint16) {
	payload[2], payload[3] = 0x80|byte(picture>>8&0x7f), byte(picture)
}
