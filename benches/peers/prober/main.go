// Asks every URL of a file, 256 at the same time, one second each: what a team would write in an afternoon, as a peer for
// portcullis-probe. Prints how many answered with 200.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	client := &http.Client{
		Timeout:   time.Second,
		Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			if len(via) > 5 || request.URL.Host != via[0].URL.Host {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	urls := make(chan string)
	var good atomic.Int64
	var workers sync.WaitGroup
	for range 256 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for url := range urls {
				response, err := client.Get(url)
				if err != nil {
					continue
				}
				_, err = io.Copy(io.Discard, io.LimitReader(response.Body, 256*1024))
				response.Body.Close()
				if err == nil && response.StatusCode == 200 {
					good.Add(1)
				}
			}
		}()
	}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		urls <- lines.Text()
	}
	close(urls)
	workers.Wait()
	fmt.Println(good.Load(), "answered with 200")
}
