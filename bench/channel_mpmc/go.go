// SPDX-License-Identifier: BSL-1.0
package main

import "exeunt/bench/golang/channels"

func main() {
	channels.Main(4, 4)
}
