package main

import (
	"errors"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v3"
)

// Offer picture and voice, over a new connection.
func (b *bot) publish() error {
	connection, err := b.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	b.lock.Lock()
	b.drop2(&b.out)
	b.out = connection
	b.lock.Unlock()
	send := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
	sound, err := connection.AddTransceiverFromTrack(b.voice.track, send)
	if err != nil {
		return err
	}
	picture, err := connection.AddTransceiverFromTrack(b.layers[0].track, send)
	if err != nil {
		return err
	}
	for _, one := range b.layers[1:] {
		if err := picture.Sender().AddEncoding(one.track); err != nil {
			return err
		}
	}
	offer, err := connection.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(connection)
	if err := connection.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	connection.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			b.begin(connection, sound, picture)
		}
	})
	return b.send(map[string]any{
		"type":  "publish",
		"offer": connection.LocalDescription().SDP,
		"tracks": []map[string]string{
			{"mid": sound.Mid(), "source": "microphone"}, {"mid": picture.Mid(), "source": "camera"},
		},
	})
}

// The connection is there: send.
func (b *bot) begin(connection *webrtc.PeerConnection, sound, picture *webrtc.RTPTransceiver) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.out != connection || b.stop != nil {
		return
	}
	b.stop = make(chan struct{})
	numbers := func(sender *webrtc.RTPSender) map[string]uint8 {
		found := map[string]uint8{}
		for _, one := range sender.GetParameters().HeaderExtensions {
			found[one.URI] = uint8(one.ID)
		}
		return found
	}
	ids := numbers(sound.Sender())
	b.voice.level, b.voice.sent = ids[levelID], &b.sent
	b.voice.extensions = map[uint8][]byte{ids[midID]: []byte(sound.Mid())}
	ids = numbers(picture.Sender())
	for _, one := range b.layers {
		one, rid := one, one.track.RID()
		one.sent, one.key = &b.sent, 1
		one.extensions = map[uint8][]byte{ids[midID]: []byte(picture.Mid())}
		if rid == "" {
			go one.hear(func() ([]rtcp.Packet, error) {
				packets, _, err := picture.Sender().ReadRTCP()
				return packets, err
			})
			continue
		}
		one.extensions[ids[ridID]] = []byte(rid)
		go one.hear(func() ([]rtcp.Packet, error) {
			packets, _, err := picture.Sender().ReadSimulcastRTCP(rid)
			return packets, err
		})
	}
	b.perform(b.layers, b.voice, b.stop)
}

func (b *bot) answered(answer string) error {
	b.lock.Lock()
	connection := b.out
	b.lock.Unlock()
	if connection == nil {
		return errors.New("nothing was offered")
	}
	return connection.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

// Take what is offered.
func (b *bot) subscribe(said message) error {
	b.lock.Lock()
	connection, entered := b.into, b.entered
	if said.Anew && connection != nil {
		b.drop2(&b.into)
		b.got.streams = nil
		connection = nil
	}
	b.lock.Unlock()
	if connection == nil {
		var err error
		if connection, err = b.api.NewPeerConnection(webrtc.Configuration{}); err != nil {
			return err
		}
		own := connection
		connection.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
			for _, one := range own.GetTransceivers() {
				if one.Receiver() == receiver {
					b.got.listen(track, one.Mid(), entered)
				}
			}
		})
	}
	offer := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: said.Offer}
	if err := connection.SetRemoteDescription(offer); err != nil {
		return err
	}
	answer, err := connection.CreateAnswer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(connection)
	if err := connection.SetLocalDescription(answer); err != nil {
		return err
	}
	select {
	case <-gathered:
	case <-time.After(2 * time.Second):
	}
	b.lock.Lock()
	b.into, b.tracks = connection, said.Tracks
	b.lock.Unlock()
	return b.send(map[string]any{
		"type": "answer", "answer": connection.LocalDescription().SDP, "number": said.Number})
}

func (b *bot) candidate(said message) error {
	b.lock.Lock()
	connection := b.out
	if said.At == "subscribe" {
		connection = b.into
	}
	b.lock.Unlock()
	if connection == nil || said.Candidate == nil || connection.RemoteDescription() == nil {
		return nil
	}
	return connection.AddICECandidate(*said.Candidate)
}

// Close both connections; the lock is held.
func (b *bot) drop() {
	b.drop2(&b.out)
	b.drop2(&b.into)
	b.got.lock.Lock()
	b.got.streams = nil
	b.got.lock.Unlock()
}

// Close one connection, and end what is sent over it.
func (b *bot) drop2(connection **webrtc.PeerConnection) {
	if *connection == nil {
		return
	}
	if connection == &b.out && b.stop != nil {
		close(b.stop)
		b.stop = nil
	}
	closing := *connection
	*connection = nil
	go closing.Close()
}
