package main

import containers "container/heap"

// What is under way, the next to come out first.
type heap []packet

func (h heap) Len() int           { return len(h) }
func (h heap) Less(a, b int) bool { return h[a].due.Before(h[b].due) }
func (h heap) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *heap) Push(one any)      { *h = append(*h, one.(packet)) }
func (h *heap) Pop() any {
	last := len(*h) - 1
	one := (*h)[last]
	(*h)[last] = packet{}
	*h = (*h)[:last]
	return one
}

func (h *heap) push(one packet) { containers.Push(h, one) }
func (h *heap) pop() packet     { return containers.Pop(h).(packet) }
